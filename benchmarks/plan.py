"""What a run measures, and at which size."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.groups import GROUPS, Group, measures_of
from benchmarks.growth.single import growth
from benchmarks.service import Profilelog
from benchmarks.singles import Single, fold, replay, search, stock_faust
from benchmarks.table import Section
from benchmarks.twin.system import PostgresTwin


@dataclass(frozen=True)
class Scale:
    """How much is measured. `growth_sizes` and `search_count` are profiles, the other counts events."""

    rounds: int = 3
    load_seconds: int = 3
    fold_count: int = 1_000_000
    search_count: int = 1_000_000
    faust_count: int = 100_000
    growth_sizes: Sequence[int] = (10_000, 100_000, 1_000_000, 3_000_000)
    twin_fsync: bool = True


QUICK = Scale(
    rounds=1,
    load_seconds=2,
    fold_count=200_000,
    search_count=100_000,
    faust_count=20_000,
    growth_sizes=(10_000, 100_000),
)


def _growth(scale: Scale) -> Single:
    systems = (Profilelog, lambda: PostgresTwin(fsync=scale.twin_fsync))
    return growth(scale.growth_sizes, systems, scale.load_seconds)


SINGLES: Mapping[str, Callable[[Scale], Single]] = {
    "fold": lambda scale: fold(scale.fold_count),
    "replay": lambda scale: replay(scale.fold_count),
    "search": lambda scale: search(scale.search_count),
    "stock-faust": lambda scale: stock_faust(scale.faust_count),
    "growth": _growth,
}
NAMES = (*(group.name for group in GROUPS), *SINGLES)


@dataclass(frozen=True)
class Plan:
    """Groups in each round, and what is measured once."""

    rounds: int
    load_seconds: int
    groups: Sequence[Group]
    singles: Sequence[Single]

    def sections(self, twins: Sequence[str]) -> list[Section]:
        """The tables: one of all that the `twins` were asked, and one of each single that has its own."""
        shared = [single for single in self.singles if not single.opponents]
        measures = [*measures_of(self.groups), *(each for one in shared for each in one.measures)]
        own = [single for single in self.singles if single.opponents]
        return [Section(measures, twins), *(Section(one.measures, one.opponents) for one in own)]


def make_plan(scale: Scale, only: Collection[str]) -> Plan:
    """`only` has some of `NAMES`; none of them means all."""
    chosen = only or NAMES
    return Plan(
        scale.rounds,
        scale.load_seconds,
        [group for group in GROUPS if group.name in chosen],
        [make(scale) for name, make in SINGLES.items() if name in chosen],
    )
