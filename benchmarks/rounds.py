"""The run: the systems in turn, A B A B …, each time from an empty folder, never both at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain

from benchmarks.errors import NotInstalledError, StartError
from benchmarks.groups import Group, measures_of
from benchmarks.plan import Plan
from benchmarks.results import Results
from benchmarks.stages import Progress, run_stage, stages
from benchmarks.system import System


@dataclass(frozen=True)
class Contender:
    """A system that takes part in the rounds; `only_scaling`: in the groups where more processes may do better."""

    make: Callable[[], System]
    only_scaling: bool = False

    def takes_part(self, group: Group) -> bool:
        return group.scales or not self.only_scaling


Contenders = Mapping[str, Contender]


def run(plan: Plan, contenders: Contenders, progress: Progress) -> Results:
    """Measure everything that the plan wants. What fails is a result too."""
    results = Results()
    startable = dict(contenders)
    for number in range(1, plan.rounds + 1):
        _run_round(plan, startable, results, _numbered(progress, number, plan.rounds))
    for single in plan.singles:
        single.run(results, progress)
    return results


def _run_round(
    plan: Plan, startable: dict[str, Contender], results: Results, progress: Progress
) -> None:
    """Those that do not start are removed from `startable`: they would not start the next time either."""
    waiting = stages(plan.groups)
    while waiting:
        for name, contender in list(startable.items()):
            left = [[each for each in stage if contender.takes_part(each)] for stage in waiting]
            if not left[0]:
                continue
            try:
                run_stage(left[0], contender.make(), results, plan.load_seconds, progress)
            except (StartError, NotInstalledError) as error:
                del startable[name]
                results.fail(name, measures_of(chain.from_iterable(left)), error)
        del waiting[0]


def _numbered(progress: Progress, number: int, rounds: int) -> Progress:
    return lambda what: progress(f"round {number} of {rounds}: {what}")
