"""The two tables: what each item costs by stage, and the floors beside the stages that they are floors of."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.budget.costs import Cost
from benchmarks.budget.floors.floor import Floor
from benchmarks.budget.stages import Stage
from benchmarks.budget.work import Costs
from benchmarks.grid import Lines, number_text, ratio_text

_COLUMNS = ("clock", "without a core", "service", *Stage, "other threads", "index process", "Kafka")


@dataclass(frozen=True)
class FloorRow:
    """A part alone, and the stages of a row of the budget that it is the floor of; without stages of the service."""

    title: str
    floor: Floor
    row: str
    stages: Sequence[Stage]

    def of(self, costs: Costs) -> float:
        """CPU microseconds of the stages."""
        cost = costs[self.row]
        return sum(cost.stages[stage] for stage in self.stages) if self.stages else cost.service


def cost_lines(costs: Costs) -> Lines:
    """A line for each row: on the clock, then without a core, then CPU."""
    return [
        ("microseconds of one", *_COLUMNS),
        *((title, *_cells(cost)) for title, cost in costs.items()),
    ]


def _cells(cost: Cost) -> Iterator[str]:
    yield from map(number_text, (cost.clock, cost.waiting, cost.service))
    yield from (number_text(cost.stages[stage]) for stage in Stage)
    yield from map(number_text, (cost.other_threads, cost.index_process, cost.kafka))


def floor_lines(rows: Iterable[FloorRow], costs: Costs) -> Lines:
    header = ("alone, microseconds of one", "clock", "CPU", "is the floor of", "there", "times")
    return [header, *(_floor_line(row, costs) for row in rows)]


def _floor_line(row: FloorRow, costs: Costs) -> Sequence[str]:
    there = row.of(costs)
    stages = " + ".join(row.stages) or "service"
    return (
        row.title,
        number_text(row.floor.clock),
        number_text(row.floor.cpu),
        f"{stages}: {row.row}",
        number_text(there),
        ratio_text(there / row.floor.cpu if row.floor.cpu else None),
    )
