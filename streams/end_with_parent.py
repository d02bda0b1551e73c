"""Run a program that gets a signal when the process that started it ends, in any way.

Called as a script, `end_with_parent.py PARENT_PID SIGNAL PROGRAM ARGUMENT...`: it replaces itself by the program and
keeps its pid. A script and not a `preexec_fn`, because Python code between fork and exec may deadlock in a process with
threads.

The signal comes when the *thread* that started this script ends, so it is to be started from a thread that lives as
long as the program should: the main thread.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1  # from Linux's <sys/prctl.h>


def main() -> None:
    """Ask for the signal, make sure that the parent still lives, become the program."""
    parent, signal, program = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the process that started this one has ended")
    os.execv(program[0], program)  # noqa: S606 -- no shell is wanted: the arguments are exact


if __name__ == "__main__":
    main()
