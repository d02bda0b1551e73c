"""What `profilelog verify` does: search for a person in the log, in the state and in the bytes of every file.

1. The bytes of every file under the data folder, before anything is started that could remove one.
2. The log: by what names it knows the person, then each of its records (`streams.auditing.traces.whole_log`).
3. The state folders: the rows that RocksDB shows, then every version of a row in its files.
4. The search index: the person's terms, those of deleted profiles included.

Locations are reported, and never what stands there.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from api.command_line.account_log import Kafka, kafka
from api.command_line.bars import Watch
from api.command_line.log_access import check_log_folder
from api.kafka_errors import kafka_in_words
from api.settings import Settings, deployment
from projections import keyspace
from projections.auditing.evidence import Evidence, Mark, Trace, spellings
from projections.auditing.person import Asked, Person
from projections.auditing.state_files import (
    Row,
    UnknownFormat,
    journal_rows,
    shown_rows,
    table_rows,
)
from projections.partition import Origin
from projections.search.integrity import DamagedIndex
from projections.search.traces import traces
from schemas.errors import NotFound
from schemas.identifiers import fold_email
from schemas.identity import Identity
from streams.auditing.traces.files import Needle, new_files, search
from streams.auditing.traces.whole_log import Log
from streams.log.topics import Topics, known_log

MOST_LOCATIONS: Final = 10_000
_ROWS_AT_A_TIME: Final = 1000
_OUTSIDE: Final = (
    "what lies elsewhere: replicas and tiered storage of Kafka, state folders of other nodes, backups, "
    "and what consumers of the topics keep"
)


class Location(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where something stands. `file` is relative to the data folder, `position` a byte of it."""

    kind: str
    what: str
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    file: str | None = None
    position: int | None = None


class Locations:
    """Places, and how often something stands there; beyond `MOST_LOCATIONS` they are only counted."""

    def __init__(self) -> None:
        self.counts: dict[Location, int] = {}
        self.omitted = 0

    def add(self, location: Location, count: int = 1) -> None:
        if location in self.counts or len(self.counts) < MOST_LOCATIONS:
            self.counts[location] = self.counts.get(location, 0) + count
        else:
            self.omitted += count


class Report:
    """What came of it: `found` has to go, `kept` stays for ever, `not_looked_at` is for the auditor to weigh."""

    def __init__(self) -> None:
        self.found = Locations()
        self.kept = Locations()
        self.not_looked_at: list[str] = []
        self.records = self.rows = self.files = 0
        self.namesakes = False

    def add(self, trace: Trace, location: Location) -> None:
        if trace.mark is Mark.NAMESAKE:
            self.namesakes = True
        else:
            (self.found if trace.mark is Mark.FOUND else self.kept).add(location)


async def search_everywhere(settings: Settings, asked: Asked, watch: Watch) -> Report:
    """Look everywhere. Raises `OperatorError` or `NotFound` where that cannot be done."""
    report = Report()
    check_log_folder(settings)
    hits = await _search_files(settings.data, _needles(asked), report, watch)
    async with contextlib.AsyncExitStack() as stack:
        found = await stack.enter_async_context(kafka(settings))
        await stack.enter_async_context(kafka_in_words(found.access))
        person = await _audit_log(settings, found, asked, report, watch)
    await _audit_state(settings.data / "state", person, report, watch)
    _audit_search(settings.data / "search", person, report)
    _add_hits(hits, report)
    _say_what_is_missing(settings, asked, report)
    return report


# ---------------------------------------------------------------------- bytes


async def _search_files(
    data: Path, needles: list[Needle], report: Report, watch: Watch
) -> list[tuple[Location, int]]:
    """The needles in every file; they become findings only when all accounts are known."""
    if not needles:
        return []
    found: list[tuple[Location, int]] = []
    compressed = 0
    watch.begin("files", sum(path.stat().st_size for path in _there(data)))
    for path in new_files(data):
        searched = search(path, needles, watch.advance)
        report.files += 1
        compressed += searched.compressed
        file = str(path.relative_to(data))
        for hit in searched.hits:
            location = Location(
                "bytes", hit.name, hit.topic, hit.partition, hit.offset, file, hit.position
            )
            found.append((location, hit.times))
        await asyncio.sleep(0)
    if compressed:
        report.not_looked_at.append(
            f"the bytes of {compressed} compressed batches in segment files: what Kafka still gives of "
            "them was read in the log"
        )
    return found


def _there(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            if path.is_file() and path.stat():
                yield path


def _needles(asked: Asked) -> list[Needle]:
    """What bytes can show: texts anywhere, a uid and an email where they stand whole, as JSON."""
    needles = [
        Needle("string", spelled.encode()) for text in asked.texts for spelled in spellings(text)
    ]
    if asked.uid is not None:
        values = [f'"uid":"{spelled}"' for spelled in spellings(asked.uid)]
        if asked.uid.removeprefix("-").isdecimal():
            values += [f'"uid":{asked.uid}{end}' for end in ",}"]
        needles += [Needle("uid", value.encode()) for value in values]
    if asked.email is not None:
        folded = fold_email(asked.email)
        needles += [
            Needle("email", f'"{each}"'.lower().encode(), folded=True) for each in spellings(folded)
        ]
    return needles


def _add_hits(hits: list[tuple[Location, int]], report: Report) -> None:
    """Bytes show no account: where another one has the same uid or email, only texts count."""
    for location, count in hits:
        if location.what == "string" or not report.namesakes:
            report.found.add(location, count)
    if report.namesakes:
        report.not_looked_at.append(
            "the uid and the email as bytes of files: another account or a company has the same"
        )


# ---------------------------------------------------------------------- log and state


async def _audit_log(
    settings: Settings, kafka: Kafka, asked: Asked, report: Report, watch: Watch
) -> Person:
    known = deployment(settings, kafka=kafka.access, embedded=kafka.embedded)
    topics = Topics(known.partitions, known.prefix)
    identity = Identity(known.hash_key, known.partitions)
    marker = await known_log(known.kafka, topics, identity)
    async with Log(known.kafka, topics) as log:
        watch.begin("names", 0)
        person = await log.person(asked, identity)
        await _learn_state(settings.data / "state", marker.log, topics.events, person)
        if not person.known:
            raise NotFound("No such deletion")
        await log.learn_claims(person)

        def start(total: int) -> None:
            watch.begin("log", total)
            report.records = total

        async for position, trace in log.sweep(Evidence(person), start, watch.advance):
            report.add(trace, Location("log", trace.what, *position))
    return person


async def _learn_state(state: Path, log: str, topic: str, person: Person) -> None:
    """What receipts show; a folder that cannot be read is reported by its audit."""
    for folder in _folders(state, f"{topic}-*"):
        with contextlib.suppress(UnknownFormat):
            await _learn_folder(folder, log, person)


async def _learn_folder(folder: Path, log: str, person: Person) -> None:
    """Unless it was folded from another log, which its first row here says."""
    partition = int(folder.name.rpartition("-")[2])
    with contextlib.closing(shown_rows(folder, keyspace.ORIGIN)) as rows:
        async for some in _in_turns(rows):
            for key, value in some:
                if key == keyspace.ORIGIN and _is_foreign(value, log):
                    return
                person.learn_row(partition, key, value)


def _is_foreign(origin: bytes, log: str) -> bool:
    try:
        return msgspec.msgpack.decode(origin, type=Origin).log != log
    except msgspec.DecodeError:
        return True


def _folders(state: Path, pattern: str = "*") -> list[Path]:
    return sorted(path for path in state.glob(pattern) if path.is_dir())


async def _audit_state(state: Path, person: Person, report: Report, watch: Watch) -> None:
    evidence = Evidence(person)
    watch.begin("state", sum(path.stat().st_size for path in _there(state)))

    async def judge(path: Path, rows: Iterator[Row], suffix: str) -> None:
        file = str(path.relative_to(state.parent))
        try:
            async for some in _in_turns(rows):
                report.rows += len(some)
                for key, value in some:
                    trace = evidence.row(key, value)
                    if trace is not None:
                        report.add(trace, Location("state", trace.what + suffix, file=file))
        except UnknownFormat as error:
            report.not_looked_at.append(f"{file}: {error}")

    for folder in _folders(state):
        await judge(folder, shown_rows(folder), "")
    for path in new_files(state):
        with contextlib.suppress(FileNotFoundError):
            size = path.stat().st_size
            if path.suffix in _READERS:
                await judge(path, _READERS[path.suffix](path), ", in a file")
            watch.advance(size)


_Row = TypeVar("_Row")
_READERS: Final[dict[str, Callable[[Path], Iterator[Row]]]] = {
    ".sst": table_rows,
    ".log": journal_rows,
}


async def _in_turns(rows: Iterator[_Row]) -> AsyncGenerator[list[_Row]]:
    """The rows, some at a time; in between a signal gets its turn."""
    while some := list(islice(rows, _ROWS_AT_A_TIME)):
        yield some
        await asyncio.sleep(0)


def _audit_search(folder: Path, person: Person, report: Report) -> None:
    """A uid and an email show no account here, as in bytes; ids do."""
    for generation in _folders(folder):
        location = str(generation.relative_to(folder.parent))
        try:
            found = traces(generation, person.ids, person.asked.uid, person.email)
        except DamagedIndex:
            report.not_looked_at.append(
                f"{location}: a search index that is not complete, or gone by now"
            )
            continue
        for what, number in found:
            if what == "profile id" or not report.namesakes:
                report.found.add(Location("search", what, file=location), number)


def _say_what_is_missing(settings: Settings, asked: Asked, report: Report) -> None:
    if settings.own_kafka() is not None:
        report.not_looked_at.append(
            "the files of the broker, which the PROFILELOG_KAFKA variables name and somebody else keeps"
        )
    if asked.texts and (settings.data / "search").is_dir():
        report.not_looked_at.append(
            "strings that the search index has packed: their bytes may not stand together"
        )
    if not (settings.data / "state").is_dir():
        report.not_looked_at.append(f"state folders: there are none in {settings.data}")
    if asked.uid is None and asked.email is None and not asked.texts:
        report.not_looked_at.append(
            "the bytes of files: a deletion gives no string to search for; name --uid, --email or "
            "--contains as well"
        )
    report.not_looked_at.append(_OUTSIDE)
