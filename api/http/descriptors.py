"""How many files and connections the process may have open (contract §2)."""

import contextlib
import resource
from typing import Final

_MOST: Final = 1 << 20  # where the system names no limit, or one that no process needs


def raise_limit() -> int:
    """Raise the limit of open files to the hard one; returns how many of them connections may take.

    A quarter stays for RocksDB, the search index and Kafka.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST if hard == resource.RLIM_INFINITY else min(hard, _MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # some systems allow less than they say
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    usable = wanted if soft == resource.RLIM_INFINITY else min(soft, wanted)
    return usable - usable // 4
