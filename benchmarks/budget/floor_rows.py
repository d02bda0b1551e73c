"""The floors, measured one after the other, and what each is the floor of."""

from collections.abc import Iterator
from typing import Final, TypeVar

import msgspec

from benchmarks.budget.floors.floor import Floor
from benchmarks.budget.floors.http import measure_http
from benchmarks.budget.floors.kafka import KafkaFloors
from benchmarks.budget.floors.rocksdb import RocksFloors
from benchmarks.budget.stages import Stage
from benchmarks.budget.tables import FloorRow
from benchmarks.budget.work import BATCHES, CONNECTIONS, Costs, Until, batch_title, load_title
from benchmarks.load import Script
from benchmarks.processes import output_of
from benchmarks.stages import Progress

_MODULES: Final = "benchmarks.budget.floors"
_Figures = TypeVar("_Figures")


def measure_floors(
    costs: Costs, *, items: int, load_seconds: int, progress: Progress
) -> list[FloorRow]:
    """`items` is how many records, profiles and items the parts handle. Raises MeasureError."""
    rows: list[FloorRow] = []
    for name, measure in (("aiokafka", _kafka), ("RocksDB", _rocksdb), ("JSON codec", _codec)):
        progress(f"{name} alone")
        rows += measure(items)
    progress("HTTP server alone")
    return [*rows, *_http(load_seconds), *_health(costs)]


def _kafka(items: int) -> Iterator[FloorRow]:
    floors = _in_process("kafka", items, KafkaFloors)
    for batch in BATCHES:
        title = "aiokafka: a record of a batch of 1,000"
        row = batch_title(batch.size, Until.ANSWERED)
        yield FloorRow(title, floors.in_batches, row, [Stage.SEND])
    title = "aiokafka: a record sent and waited for"
    for script in (Script.UPSERT, Script.EMAIL):
        yield FloorRow(title, floors.one_by_one, load_title(script, 1), [Stage.SEND])


def _rocksdb(items: int) -> Iterator[FloorRow]:
    floors = _in_process("rocksdb", items, dict[int, RocksFloors])
    for size, (look_up, write) in floors.items():
        row = batch_title(size, Until.APPLIED)
        yield FloorRow("RocksDB: look-ups of a new profile", look_up, row, [Stage.FOLD])
        yield FloorRow("RocksDB: rows of a new profile", write, row, [Stage.FOLD])


def _codec(items: int) -> Iterator[FloorRow]:
    for size, floor in _in_process("codec", items, dict[int, Floor]).items():
        row = batch_title(size, Until.ANSWERED)
        title = "JSON codec: an item decoded, its event encoded"
        yield FloorRow(title, floor, row, [Stage.NORMALIZE])


def _http(load_seconds: int) -> Iterator[FloorRow]:
    """The server also reads the sockets, which py-spy counts as the loop's."""
    for connections, floor in measure_http(CONNECTIONS, load_seconds).items():
        for script in (Script.READ, Script.UPSERT):
            row = load_title(script, connections)
            title = (
                f"HTTP server, a constant answer, {connections} connection{'s' * (connections > 1)}"
            )
            yield FloorRow(title, floor, row, [Stage.HTTP, Stage.REST])


def _health(costs: Costs) -> Iterator[FloorRow]:
    """What the service takes for a request that asks for nothing."""
    for connections in CONNECTIONS:
        title = load_title(Script.HEALTH, connections)
        health = costs[title]
        floor = Floor(health.clock, health.service)
        yield FloorRow(title, floor, load_title(Script.READ, connections), [])


def _in_process(module: str, items: int, figures: type[_Figures]) -> _Figures:
    return msgspec.json.decode(output_of(f"{_MODULES}.{module}", str(items)), type=figures)
