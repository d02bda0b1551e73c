"""Schedules: made at random, run, and made smaller when they fail."""

import random
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from tests.faults.simulation import World
from tests.faults.steps import Step
from tests.faults.witness import Violation

_WEIGHTS: Final = {
    "write": 24, "retry": 6, "send": 6, "answer": 3, "fold": 12, "relay": 22, "flow": 10, "rebalance": 4,
    "notice": 2, "zombie": 6, "crash": 3, "disaster": 3, "contest": 3, "picture": 2, "compact": 8, "beat": 1,
    "time_out": 2, "late": 4, "check": 2, "purge": 2,
}  # fmt: skip
# Each schedule has its own temper: some are stormy, some calm, in one thing or another.
_TEMPERS: Final = (0.2, 0.5, 1, 1, 2, 3)
# What a schedule's clients do, by the places in `simulation.WRITES`: everything, nothing tracked, much erasing, much
# writing, much tracking.
_WRITES: Final = (range(10), range(8), (0, 0, 3, 3, 4, 6), (0, 0, 0, 4), (0, 5, 6, 8, 8, 9))
_NUMBERS: Final = 1 << 12

Schedule = list[Step]


class Failure(NamedTuple):
    """A schedule that breaks a promise."""

    violation: Violation
    schedule: Schedule
    trace: list[str]

    def __str__(self) -> str:
        steps = "\n".join(f"    {step!r}," for step in self.schedule)
        trace = "\n".join(f"    {line}" for line in self.trace)
        return f"{self.violation}\n\n  the schedule:\n{steps}\n\n  what happened:\n{trace}\n"


def schedule(seed: int) -> Schedule:
    """The schedule of this seed."""
    chance = random.Random(seed)
    kinds = list(_WEIGHTS)
    weights = [weight * chance.choice(_TEMPERS) for weight in _WEIGHTS.values()]
    writes = chance.choice(_WRITES)
    users = chance.choice((1, 2, 4, 4))
    return [
        _step(kind, chance, writes, users)
        for kind in chance.choices(kinds, weights, k=chance.randrange(15, 80))
    ]


def _step(kind: str, chance: random.Random, writes: Sequence[int], users: int) -> Step:
    a, b, c, d = (chance.randrange(_NUMBERS) for _ in range(4))
    if kind == "write":
        a, b = chance.choice(writes), b // 8 * 8 + b % users
    return Step(kind, a, b, c, d)


def run(
    steps: Sequence[Step], trace: list[str] | None = None, *, together: bool = False
) -> Violation | None:
    """Run a schedule to its end and to rest; what it broke, if anything."""

    def take_all(world: World) -> None:
        for step in steps:
            world.take(step)

    return play(take_all, trace, together=together)


def play(
    drive: Callable[[World], None], trace: list[str] | None = None, *, together: bool = False
) -> Violation | None:
    """Drive a new world and let it come to rest; what was broken, if anything."""
    world = World(trace, together=together)
    try:
        drive(world)
        world.come_to_rest()
    except Violation as violation:
        return violation
    except Exception as error:
        # A crash of the code under test is a failure like any other: worth a small schedule.
        violation = Violation(f"{type(error).__name__}: {error}")
        violation.__cause__ = error
        return violation
    return None


def investigate(steps: Sequence[Step], violation: Violation, *, together: bool = False) -> Failure:
    """The smallest schedule found that breaks the same promise, with its trace."""
    small = shrink(list(steps), violation.promise, together=together)
    trace: list[str] = []
    return Failure(run(small, trace, together=together) or violation, small, trace)


def shrink(steps: Schedule, promise: str, *, together: bool = False) -> Schedule:
    """Leave steps out, the more at once the better, then make numbers smaller, while the promise still breaks."""

    def breaks(candidate: Schedule) -> bool:
        violation = run(candidate, together=together)
        return violation is not None and violation.promise == promise

    size = len(steps) // 2
    while size:
        start = 0
        while start < len(steps):
            candidate = steps[:start] + steps[start + size :]
            if breaks(candidate):
                steps = candidate
            else:
                start += size
        size //= 2
    for place, step in enumerate(steps):
        for field in ("a", "b", "c", "d"):
            for number in range(min(4, getattr(step, field))):
                candidate = [*steps]
                candidate[place] = step._replace(**{field: number})
                if breaks(candidate):
                    steps, step = candidate, candidate[place]
                    break
    return steps
