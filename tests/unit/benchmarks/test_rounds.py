"""Which system is put through which rows, in which order, and what stands there when it does not start."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx

from benchmarks.errors import BenchmarkError, NothingAlikeError, StartError
from benchmarks.groups import Group
from benchmarks.measures import Figure, Measure
from benchmarks.plan import Plan
from benchmarks.results import Cell, Results
from benchmarks.round import Round
from benchmarks.rounds import Contender, run
from benchmarks.stages import stages
from benchmarks.system import Disk, Memory, System


class Fake(System):
    """Nothing runs; `asked` is what the rounds did, of all systems."""

    def __init__(self, name: str, asked: list[str], starts: bool = True) -> None:
        super().__init__()
        self.name = name
        self.asked = asked
        self._starts = starts

    def start(self, folder: Path) -> None:
        assert list(folder.iterdir()) == []
        self.asked.append(f"start {self.name}")
        if not self._starts:
            raise StartError("not today")

    def kill(self) -> None: ...
    def start_again(self, folder: Path) -> None: ...
    def stop(self) -> None: ...
    def wait_until_readable(self, client: httpx.Client, batch_id: str) -> None: ...

    def memory(self) -> Memory:
        raise NotImplementedError

    def disk(self, folder: Path) -> Disk:
        raise NotImplementedError


def figures(this: Round) -> Iterator[Figure]:
    assert isinstance(this.system, Fake)
    this.system.asked.append(f"measure {this.system.name}")
    yield 5.0
    raise NothingAlikeError("there is only one figure")


def group(name: str, *, scales: bool = False, alone: bool = False) -> Group:
    measures = (Measure(f"{name} 1", "s"), Measure(f"{name} 2", "s"))
    return Group(name, measures, figures, scales=scales, alone=alone)


SHARED: Final = group("shared")
SCALING: Final = group("scaling", scales=True)
ALONE: Final = group("alone", alone=True)


def run_rounds(contenders: dict[str, Contender], *groups: Group, rounds: int = 1) -> Results:
    return run(Plan(rounds, 1, groups, []), contenders, progress=lambda _: None)


def test_a_group_that_is_alone_gets_a_system_of_its_own() -> None:
    assert stages([SHARED, ALONE, SCALING]) == [[SHARED, SCALING], [ALONE]]
    assert stages([ALONE]) == [[ALONE]]


def test_the_systems_take_turns() -> None:
    asked: list[str] = []
    both = {name: Contender(lambda name=name: Fake(name, asked)) for name in ("a", "b")}

    run_rounds(both, SHARED, ALONE, rounds=2)

    turn = ["start a", "measure a", "start b", "measure b"]
    assert asked == turn * 4


def test_one_that_is_asked_only_what_scales_is_not_started_for_the_rest() -> None:
    asked: list[str] = []

    results = run_rounds(
        {"a": Contender(lambda: Fake("a", asked), only_scaling=True)}, SHARED, SCALING, ALONE
    )

    assert asked == ["start a", "measure a"]
    assert results.cell("a", SCALING.measures[0]) == Cell(5.0, 5.0, 5.0, 1)
    assert results.cell("a", SHARED.measures[0]) is None


def test_what_a_failure_leaves_without_a_figure_has_its_reason() -> None:
    results = run_rounds({"a": Contender(lambda: Fake("a", []))}, SHARED)

    assert isinstance(results.cell("a", SHARED.measures[1]), NothingAlikeError)


def test_one_that_does_not_start_is_not_tried_again_and_the_others_go_on() -> None:
    asked: list[str] = []
    contenders = {
        "a": Contender(lambda: Fake("a", asked, starts=False)),
        "b": Contender(lambda: Fake("b", asked)),
    }

    results = run_rounds(contenders, SHARED, ALONE, rounds=2)

    assert asked.count("start a") == 1
    assert asked.count("measure b") == 4
    for each in (*SHARED.measures, *ALONE.measures):
        assert isinstance(results.cell("a", each), BenchmarkError)
