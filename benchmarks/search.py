"""The search index: what it costs to fill and to keep, and how soon it answers; and the same questions to PostgreSQL.

In a process of its own. What a node does around it, HTTP and reading the documents of a page, is
not in the figures.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple, Self

import msgspec

from api.commands.company_filters import CompanyFilters
from api.commands.searching import count_indexed
from benchmarks.errors import MeasureError
from benchmarks.measures import Measure
from benchmarks.processes import output_of
from benchmarks.profiles import COMPANIES, make_company, make_profile
from projections import keyspace
from projections.companies.fold import Companies
from projections.partition import Origin
from projections.profiles import ProfileState
from projections.search.documents import Entry
from projections.search.index import SearchIndex
from projections.search.pages import Page, Window
from projections.search.reader import IndexReader
from projections.search.searches import Searches
from projections.storage import RocksStorage
from schemas.events import CompanyUpserted, encode
from schemas.identity import Identity
from schemas.search.conditions import Condition
from schemas.search.request import parse_count

PAGES: Final = ("everybody", "eq and gt")
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
    "of the company (a few)": [_where("company.plan", "eq", "gold")],
    "of the company (nearly all)": [_where("company.plan", "eq", "free")],
    "of the company (half)": [_where("company.seats", "gte", 50)],
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


class WriteCost(NamedTuple):
    """CPU of one document, in microseconds: of the thread that writes, and of all threads."""

    thread: float
    process: float


@dataclass(frozen=True)
class Answers:
    """Medians in ms of the pages and counts, and how many each count found."""

    pages_ms: dict[str, float]
    counts_ms: dict[str, float]
    counts: dict[str, int]

    def figures(self) -> list[float]:
        """One for each of `answer_measures`, in their order."""
        return [*self.pages_ms.values(), *self.counts_ms.values()]

    def check_alike(self, other: "Answers") -> None:
        """Raises MeasureError when the two did not find the same."""
        unlike = [name for name in self.counts if self.counts[name] != other.counts.get(name)]
        if unlike:
            raise MeasureError(f"it counts others than profilelog: {', '.join(unlike)}")


@dataclass(frozen=True)
class SearchResult:
    """`written` is what one document costs, in microseconds."""

    written: WriteCost
    visible_ms: float
    open_ms: float
    index_bytes: int
    memory_bytes: int
    answers: Answers

    def figures(self) -> list[float]:
        """One for each of `search_measures`, in their order."""
        return [
            self.written.thread,
            self.written.process,
            self.visible_ms,
            self.open_ms,
            self.index_bytes / 2**20,
            self.memory_bytes / 2**20,
            *self.answers.figures(),
        ]


def search_measures(count: int) -> list[Measure]:
    """The rows of the table: what the index costs, and how soon it answers."""
    of = f"search index of {count:,}"
    return [
        Measure(f"{of}: a document's CPU on the writing thread", "us"),
        Measure(f"{of}: a document's CPU with tantivy's threads", "us"),
        Measure(f"{of}: one write and its commit", "ms"),
        Measure(f"{of}: opened, every file checked", "ms"),
        Measure(f"{of}: its files", "MiB"),
        Measure(f"{of}: memory while it is asked", "MiB"),
        *answer_measures(count),
    ]


def answer_measures(count: int) -> list[Measure]:
    """The rows that the twin has too."""
    of = f"search among {count:,}"
    return [
        *(Measure(f"{of}: first page of 50, {name}", "ms") for name in PAGES),
        *(Measure(f"{of}: count, {name}", "ms") for name in COUNTS),
    ]


def search_in_process(count: int) -> SearchResult:
    """`measure_search` in a fresh process, so that its memory is the index's."""
    return msgspec.json.decode(output_of("benchmarks.search", str(count)), type=SearchResult)


def twin_search_in_process(count: int) -> Answers:
    """The same questions asked of PostgreSQL."""
    return msgspec.json.decode(output_of("benchmarks.twin.search", str(count)), type=Answers)


def measure_search(count: int) -> SearchResult:
    """Fill an index with `count` profiles, a commit each 10,000, then open it again and ask."""
    with tempfile.TemporaryDirectory(prefix="profilelog-bench-") as folder:
        root = Path(folder) / "search"
        index = SearchIndex(root, "benchmark")
        index.begin_rebuild()
        index.finish_rebuild()
        written = _fill(index, count)
        visible_ms = _visible(index, _reader(root, index), count)
        index.close()
        index_bytes = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
        members = _make_members(Path(folder) / "members", count + REPEATS)
        filters = CompanyFilters(_make_companies(), lambda: [members])
        before = _memory()
        open_ms, index = _timed(lambda: SearchIndex(root, "benchmark"))
        with _Asking(_reader(root, index), filters) as asking:
            answers = asking.answers()
            memory_bytes = _memory() - before
        index.close()
        members.close()
    return SearchResult(written, visible_ms, open_ms, index_bytes, memory_bytes, answers)


def _entry(number: int, partitions: int = 16) -> Entry:
    document = make_profile(number)
    id_ = document["id"]
    json = msgspec.json.encode(document)
    return Entry(id_, ACCOUNT, json, int(id_[:4], 16) % partitions, number)


def _fill(index: SearchIndex, count: int) -> WriteCost:
    thread = process = 0.0
    for start in range(0, count, CHUNK):
        entries = [_entry(number) for number in range(start, min(start + CHUNK, count))]
        thread_began, process_began = time.thread_time(), time.process_time()
        for entry in entries:
            index.upsert(entry)
        index.commit()
        thread += time.thread_time() - thread_began
        process += time.process_time() - process_began
    return WriteCost(thread / count * 1e6, process / count * 1e6)


def _reader(root: Path, index: SearchIndex) -> IndexReader:
    assert index.generation is not None, "it is complete"
    reader = IndexReader(root)
    reader.use(index.generation)
    return reader


def _visible(index: SearchIndex, reader: IndexReader, count: int) -> float:
    """From a profile's write until it is found, without what a node waits between commits."""

    def write(number: int) -> None:
        index.upsert(_entry(number))
        index.commit()
        reader.reload()

    numbers = iter(range(count, count + REPEATS))
    return _median(lambda: write(next(numbers)))


class _Asking:
    """Asks as a node does: on an event loop, of companies and members first."""

    def __init__(self, reader: IndexReader, filters: CompanyFilters) -> None:
        self._searches = Searches(reader)
        self._filters = filters
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._searches.close()
        self._runner.close()

    def answers(self) -> Answers:
        counts: dict[str, int] = {}
        counts_ms: dict[str, float] = {}
        for name, filters in COUNTS.items():
            counts[name] = self._count(filters)
            if not counts[name]:
                raise MeasureError("a search found nobody")
            counts_ms[name] = _median(partial(self._count, filters))
        pages_ms = {name: _median(partial(self._page, COUNTS[name])) for name in PAGES}
        return Answers(pages_ms, counts_ms, counts)

    def _count(self, filters: list[dict[str, object]]) -> int:
        condition = parse_count({"filters": filters}, NOW)
        return self._runner.run(count_indexed(self._searches, self._filters, ACCOUNT, condition))

    def _page(self, filters: list[dict[str, object]]) -> Page:
        return self._runner.run(self._read_page(parse_count({"filters": filters}, NOW)))

    async def _read_page(self, asked: Condition) -> Page:
        condition = await self._filters.on_profiles(ACCOUNT, asked)
        return await self._searches.page(ACCOUNT, condition, Window(), 50)


def _make_members(folder: Path, count: int) -> ProfileState:
    """A partition that knows the members of the companies, and nothing else."""
    identity = Identity(bytes(32), 1)
    storage = RocksStorage(folder)
    for start in range(0, count, CHUNK):
        profiles = map(make_profile, range(start, min(start + CHUNK, count)))
        storage.write({keyspace.member(each["company_id"], each["id"]): b"" for each in profiles})
    return ProfileState(storage, Origin("log", "events", 0, 1, identity.fingerprint), identity)


def _make_companies() -> Companies:
    """The companies of the profiles, as a node holds them."""
    companies = Companies(Identity(bytes(32), 1))
    for number in range(COMPANIES):
        company = make_company(number)
        event = CompanyUpserted(
            account=ACCOUNT,
            at=NOW,
            id=company["id"],
            uid=company["uid"],
            properties={name: company[name] for name in ("plan", "seats")},
            unset=[],
        )
        companies.apply(b"%032x" % number, encode(event))
    return companies


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
