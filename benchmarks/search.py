"""The search index: what it costs to fill and to keep, and how soon it answers.

In a process of its own. What a node does around it, HTTP and reading the documents of a page, is
not in the figures.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec

from benchmarks.errors import MeasureError
from benchmarks.fold import REPOSITORY
from benchmarks.profiles import company_id, make_profile
from projections.search.documents import Entry
from projections.search.index import SearchIndex
from projections.search.pages import Window
from schemas.search.conditions import OnProperty
from schemas.search.request import parse_count

ACCOUNT: Final = "account"
CHUNK: Final = 10_000
REPEATS: Final = 15
NOW: Final = 1_870_258_680_000


def _where(prop: str, op: str, value: object = None) -> dict[str, object]:
    return {"kind": "property", "prop": prop, "op": op, "value": value}


_GOLD: Final = _where("subscription_type", "eq", "gold")

COUNTS: Final[Mapping[str, list[dict[str, object]]]] = {
    "everybody": [],
    "eq": [_GOLD],
    "ne": [_where("role", "ne", "admin")],
    "ex": [_where("phone", "ex")],
    "nx": [_where("phone", "nx")],
    "gt of numbers": [_where("score", "gt", 90.5)],
    "lte of numbers": [_where("login_count", "lte", 300)],
    "gt of texts": [_where("last_name", "gt", "Nguyen")],
    "gt of texts that all differ": [_where("email", "gt", "maria")],
    "gt of timestamps": [_where("last_login", "gt", "2028-06-01")],
    "gt-d": [_where("last_login", "gt-d", 30)],
    "in-v": [_where("country", "in-v", "FR, DE, IT")],
    "in-a": [_where("tags", "in-a", "tag7")],
    "of the company": [_where("company.plan", "eq", "gold")],
    "eq and gt": [_GOLD, _where("age", "gt", 50)],
    "or of three": [
        {
            "kind": "group",
            "filters_op": "or",
            "filters": [_GOLD, _where("age", "gt", 70), _where("country", "eq", "FR")],
        }
    ],
    "in (few distinct texts)": [_where("address.city", "in", "on")],
    "in (texts that all differ)": [_where("email", "in", "maria.g")],
    "in-i (texts that all differ)": [_where("email", "in-i", "MARIA.G")],
}


@dataclass(frozen=True)
class SearchResult:
    """Times are medians in ms, by what was asked; sizes are bytes; `write_us` is of one document."""

    profiles: int
    write_us: float
    write_cpu_us: float
    visible_ms: float
    index_bytes: int
    memory_bytes: int
    open_ms: float
    counts: dict[str, float]
    found: dict[str, int]
    page_ms: float
    filtered_page_ms: float


def search_in_process(count: int) -> SearchResult:
    """`measure_search` in a fresh process, so that its memory is the index's."""
    command = [sys.executable, "-m", "benchmarks.search", str(count)]
    done = subprocess.run(  # our own fixed command
        command, cwd=REPOSITORY, capture_output=True, check=False
    )
    if done.returncode != 0:
        last_line = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise MeasureError(f"the search ended with code {done.returncode}: {last_line}")
    return msgspec.json.decode(done.stdout, type=SearchResult)


def measure_search(count: int) -> SearchResult:
    """Fill an index with `count` profiles, a commit each 10,000, then open it again and ask."""
    with tempfile.TemporaryDirectory(prefix="profilelog-bench-") as folder:
        root = Path(folder)
        index = SearchIndex(root, "benchmark")
        index.begin_rebuild()
        index.finish_rebuild()
        write_us, write_cpu_us = _fill(index, count)
        visible_ms = _visible(index, count)
        index.close()
        before = _memory()
        open_ms, index = _timed(lambda: SearchIndex(root, "benchmark"))
        counts, found = _count_all(index)
        page_ms = _median(lambda: index.page(ACCOUNT, parse_count({}, NOW), _gold, Window(), 50))
        condition = parse_count({"filters": COUNTS["eq and gt"]}, NOW)
        filtered = _median(lambda: index.page(ACCOUNT, condition, _gold, Window(), 50))
        result = SearchResult(
            profiles=count,
            write_us=write_us,
            write_cpu_us=write_cpu_us,
            visible_ms=visible_ms,
            index_bytes=sum(path.stat().st_size for path in root.rglob("*") if path.is_file()),
            memory_bytes=_memory() - before,
            open_ms=open_ms,
            counts=counts,
            found=found,
            page_ms=page_ms,
            filtered_page_ms=filtered,
        )
        index.close()
    return result


def _entry(number: int, partitions: int = 16) -> Entry:
    document = make_profile(number)
    id_ = document["id"]
    json = msgspec.json.encode(document)
    return Entry(id_, ACCOUNT, json, int(id_[:4], 16) % partitions, number)


def _fill(index: SearchIndex, count: int) -> tuple[float, float]:
    """Microseconds for each document: on the writing thread, and of all threads' CPU."""
    wall = cpu = 0.0
    for start in range(0, count, CHUNK):
        entries = [_entry(number) for number in range(start, min(start + CHUNK, count))]
        began, cpu_began = time.perf_counter(), time.process_time()
        for entry in entries:
            index.upsert(entry)
        index.commit()
        wall += time.perf_counter() - began
        cpu += time.process_time() - cpu_began
    return wall / count * 1e6, cpu / count * 1e6


def _visible(index: SearchIndex, count: int) -> float:
    """From a profile's write until it is found, without what a node waits between commits."""

    def write(number: int) -> None:
        index.upsert(_entry(number))
        index.commit()

    numbers = iter(range(count, count + REPEATS))
    return _median(lambda: write(next(numbers)))


def _count_all(index: SearchIndex) -> tuple[dict[str, float], dict[str, int]]:
    times: dict[str, float] = {}
    found: dict[str, int] = {}
    for name, filters in COUNTS.items():
        condition = parse_count({"filters": filters}, NOW)
        found[name] = index.count(ACCOUNT, condition, _gold)
        times[name] = _median(lambda: index.count(ACCOUNT, condition, _gold))  # noqa: B023 - at once
    return times, found


_GOLD_COMPANIES: Final = [company_id(number) for number in range(0, 50_000, 500)]


def _gold(account: str, condition: OnProperty) -> list[str]:  # noqa: ARG001 - CompanyIds
    """One company of 500 has the plan that is asked for."""
    return _GOLD_COMPANIES


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = work()
    return (time.perf_counter() - began) * 1000, result


def _median(work: Callable[[], object]) -> float:
    return median(_timed(work)[0] for _ in range(REPEATS))


def _memory() -> int:
    """Bytes of this process's own memory and of the files that it holds mapped in memory."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise MeasureError("the system does not say how much memory a process has")


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(measure_search(int(sys.argv[1]))))
