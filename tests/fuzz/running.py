"""How long a target runs: some examples, always the same, in every run of the tests; by the clock with `make fuzz`.

`FUZZ_SECONDS` in the environment, which `make fuzz` sets, is the time that each target has. It then draws new examples
each time, and keeps what failed in `.hypothesis/`, to begin the next run with it.
"""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, TypeVar

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.strategies import SearchStrategy

SECONDS: Final = float(os.environ.get("FUZZ_SECONDS", "0"))
"""Of each target; 0 in an ordinary run."""

_DATABASE: Final = Path(__file__).parents[2] / ".hypothesis" / "fuzz"
_ROUND: Final = 100
_PHASES: Final = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
_UNCHECKED: Final = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)

_Input = TypeVar("_Input")


def fuzz(
    check: Callable[[_Input], None],
    inputs: SearchStrategy[_Input],
    *,
    examples: int,
    known: Iterable[_Input] = (),
) -> None:
    """Check each of `known`, then made-up inputs: `examples` of them, or as many as fit in `SECONDS`."""
    began = time.monotonic()
    _target(check, inputs, examples, known)()
    again = _target(check, inputs, examples, ())
    while time.monotonic() - began < SECONDS:
        again()


def _target(
    check: Callable[[_Input], None],
    inputs: SearchStrategy[_Input],
    examples: int,
    known: Iterable[_Input],
) -> Callable[[], None]:
    def ask(sent: _Input) -> None:
        try:
            check(sent)
        except Exception as error:
            # schemathesis, once it is imported, keeps Hypothesis from saying it.
            error.add_note(f"{check.__name__} failed of {sent!r}")
            raise

    ask.__qualname__ = ask.__name__ = check.__name__  # what failed is kept under this name
    target = given(inputs)(ask)
    for each in known:
        target = example(each)(target)
    return settings(
        max_examples=_ROUND if SECONDS else examples,
        derandomize=not SECONDS,
        database=DirectoryBasedExampleDatabase(_DATABASE) if SECONDS else None,
        deadline=None,
        phases=_PHASES,
        suppress_health_check=_UNCHECKED,
        print_blob=False,
    )(target)
