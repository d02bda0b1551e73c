"""The tables of a report: profilelog beside each opponent of a section."""

from typing import Final

from benchmarks.errors import NothingAlikeError
from benchmarks.measures import Measure
from benchmarks.plan import NAMES, QUICK, make_plan
from benchmarks.results import Results
from benchmarks.stock_faust import NAME as STOCK_FAUST
from benchmarks.table import Report, Section

READS: Final = Measure("reads", "/s")
WAIT: Final = Measure("wait", "ms")


def report(results: Results, *sections: Section) -> str:
    return Report(results, sections, "ours", "What it ran on.").markdown()


def test_each_opponent_has_a_column_and_a_ratio() -> None:
    results = Results()
    for system, rate, wait in (("ours", 200, 5), ("one", 100, 10), ("two", 400, 1)):
        results.add(system, READS, rate)
        results.add(system, WAIT, wait)

    assert report(results, Section([READS, WAIT], ["one", "two"])) == (
        "| measure | ours | one | ratio | two | ratio |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: |\n"
        "| reads | 200/s | 100/s | 2.00x | 400/s | 0.50x |\n"
        "| wait | 5.00 ms | 10.0 ms | 2.00x | 1.00 ms | 0.20x |\n"
        "\n"
        "What it ran on.\n"
    )


def test_an_opponent_of_whom_nothing_was_measured_has_no_column() -> None:
    results = Results()
    results.add("ours", READS, 200)
    results.add("one", READS, NothingAlikeError("it does not read"))

    assert report(results, Section([READS], ["one", "two"])).startswith(
        "| measure | ours | one | ratio |\n| --- | ---: | ---: | ---: |\n| reads | 200/s | — | — |"
    )


def test_each_section_has_a_table() -> None:
    results = Results()
    results.add("ours", READS, 200)

    tables = report(results, Section([READS], []), Section([], []), Section([READS], [])).split(
        "\n\n"
    )

    assert tables == [tables[0], tables[0], "What it ran on.\n"]


def test_a_plan_has_all_rows_or_those_that_are_named() -> None:
    everything = make_plan(QUICK, ())
    twins, faust, growth = everything.sections(["one", "two"])

    assert len(everything.groups) + len(everything.singles) == len(NAMES)
    assert twins.opponents == ["one", "two"]
    assert faust.opponents == [STOCK_FAUST]
    assert len(growth.measures) % len(QUICK.growth_sizes) == 0
    assert [group.name for group in make_plan(QUICK, ["reads"]).groups] == ["reads"]
