"""The tables of the budget, and the marks that they stand between."""

from pathlib import Path

import pytest

from benchmarks.budget.costs import Cost
from benchmarks.budget.floors.floor import Floor
from benchmarks.budget.stages import Stage
from benchmarks.budget.tables import FloorRow, cost_lines, floor_lines
from benchmarks.marks import Marks

COSTS = {
    "read": Cost(
        clock=200,
        waiting=4,
        stages={stage: 10.0 * (stage in (Stage.HTTP, Stage.READ)) for stage in Stage},
        other_threads=1,
        index_process=2,
        kafka=3,
    )
}
MARKS = Marks("figures", "measure --out")


def test_a_row_has_every_stage_and_their_sum() -> None:
    header, row = cost_lines(COSTS)

    cells = dict(zip(header, row, strict=True))
    assert [*header[4:-3]] == [*Stage]
    assert (cells["microseconds of one"], cells["clock"], cells["service"]) == (
        "read",
        "200",
        "21.0",
    )
    assert (cells["HTTP"], cells["fold"]) == ("10.0", "0.00")
    assert (cells["other threads"], cells["index process"], cells["Kafka"]) == (
        "1.00",
        "2.00",
        "3.00",
    )


def test_a_floor_stands_beside_its_stages() -> None:
    rows = [
        FloorRow("server", Floor(8, 5), "read", [Stage.HTTP, Stage.READ]),
        FloorRow("health", Floor(8, 7), "read", []),
        FloorRow("nothing", Floor(1, 0), "read", [Stage.FOLD]),
    ]

    _, *lines = floor_lines(rows, COSTS)

    assert lines == [
        ("server", "8.00", "5.00", "HTTP + read: read", "20.0", "4.00x"),
        ("health", "8.00", "7.00", "service: read", "21.0", "3.00x"),
        ("nothing", "1.00", "0.00", "fold: read", "0.00", "—"),
    ]


def test_a_text_is_put_between_its_marks_and_nowhere_else(tmp_path: Path) -> None:
    path, others = tmp_path / "page.md", Marks("others", "measure")
    path.write_text(
        f"before\n{others.begin}\nkept\n{others.end}\n{MARKS.begin}\nold\n{MARKS.end}\nafter\n"
    )

    MARKS.write(path, "new")

    assert path.read_text() == (
        f"before\n{others.begin}\nkept\n{others.end}\n{MARKS.begin}\n\nnew\n{MARKS.end}\nafter\n"
    )


def test_a_file_without_the_marks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("nothing here\n")

    with pytest.raises(ValueError, match="no place for the figures"):
        MARKS.check(path)
