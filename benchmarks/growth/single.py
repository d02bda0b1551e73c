"""The growth as a part of the run: each size once, profilelog and the twin in turn."""

from collections.abc import Callable, Sequence

from benchmarks.errors import NotInstalledError, StartError
from benchmarks.growth.quantities import growth_measures
from benchmarks.growth.work import growth_group
from benchmarks.results import Results
from benchmarks.singles import Single
from benchmarks.stages import Progress, run_stage
from benchmarks.system import System
from benchmarks.twin.system import TWIN


def growth(
    sizes: Sequence[int], systems: Sequence[Callable[[], System]], load_seconds: int
) -> Single:
    """`load_seconds` is how long each load of single requests takes."""

    def run(results: Results, progress: Progress) -> None:
        for group in map(growth_group, sizes):
            for make in systems:
                system = make()
                try:
                    run_stage([group], system, results, load_seconds, progress)
                except (StartError, NotInstalledError) as error:
                    results.fail(system.name, group.measures, error)

    return Single(growth_measures(sizes), run, opponents=[TWIN])
