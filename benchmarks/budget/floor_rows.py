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
from benchmarks.budget.work import (
    BATCHES,
    CONNECTIONS,
    Costs,
    Until,
    batch_title,
    connections_text,
    load_title,
)
from benchmarks.grid import number_text
from benchmarks.load import Script
from benchmarks.processes import output_of
from benchmarks.stages import Progress

_MODULES: Final = "benchmarks.budget.floors"
_Figures = TypeVar("_Figures")


def measure_floors(
    costs: Costs, core: int, *, items: int, load_seconds: int, progress: Progress
) -> list[FloorRow]:
    """`items` is how many records, profiles and items the parts handle, each on the core. Raises MeasureError."""
    rows: list[FloorRow] = []
    for name, measure in (("aiokafka", _kafka), ("RocksDB", _rocksdb), ("JSON codec", _codec)):
        progress(f"{name} alone")
        rows += measure(items, core)
    progress("HTTP server alone")
    return [*rows, *_http(load_seconds, core), *_health(costs)]


def _kafka(items: int, core: int) -> Iterator[FloorRow]:
    """One by one, the loop's waits for the socket are in the floor, so they are in what stands beside it."""
    floors = _in_process("kafka", items, core, KafkaFloors)
    for batch in BATCHES:
        title = "aiokafka: a record of a batch of 1,000"
        row = batch_title(batch.size, Until.ANSWERED)
        yield FloorRow(title, floors.in_batches, row, [Stage.SEND])
    title = "aiokafka: a record sent and waited for"
    for script in (Script.UPSERT, Script.EMAIL):
        row = load_title(script, 1)
        yield FloorRow(title, floors.one_by_one, row, [Stage.SEND, Stage.REST])


def _rocksdb(items: int, core: int) -> Iterator[FloorRow]:
    floors = _in_process("rocksdb", items, core, dict[int, RocksFloors])
    for size, (look_up, write) in floors.items():
        parts = f"{number_text(look_up.cpu)} looked up + {number_text(write.cpu)} written"
        both = Floor(look_up.clock + write.clock, look_up.cpu + write.cpu)
        row = batch_title(size, Until.APPLIED)
        yield FloorRow(f"RocksDB: rows of a new profile, {parts}", both, row, [Stage.FOLD])


def _codec(items: int, core: int) -> Iterator[FloorRow]:
    for size, floor in _in_process("codec", items, core, dict[int, Floor]).items():
        row = batch_title(size, Until.ANSWERED)
        title = "JSON codec: an item decoded, its event encoded"
        yield FloorRow(title, floor, row, [Stage.NORMALIZE])


def _http(load_seconds: int, core: int) -> Iterator[FloorRow]:
    """Reading a socket is the loop's work in both."""
    for connections, floor in measure_http(CONNECTIONS, load_seconds, core).items():
        title = f"HTTP server, a constant answer, {connections_text(connections)}"
        row = load_title(Script.READ, connections)
        yield FloorRow(title, floor, row, [Stage.HTTP, Stage.REST])


def _health(costs: Costs) -> Iterator[FloorRow]:
    """What the service takes for a request that asks for nothing."""
    for connections in CONNECTIONS:
        title = load_title(Script.HEALTH, connections)
        health = costs[title]
        floor = Floor(health.clock, health.service)
        yield FloorRow(title, floor, load_title(Script.READ, connections), [])


def _in_process(module: str, items: int, core: int, figures: type[_Figures]) -> _Figures:
    printed = output_of(f"{_MODULES}.{module}", str(items), str(core))
    return msgspec.json.decode(printed, type=figures)
