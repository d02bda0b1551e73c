"""The fold rate of a rebuild, in a process of its own that is bound to one core."""

import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from api.interpreter import tune_garbage_collector
from benchmarks.email_records import LogRecord
from benchmarks.errors import MeasureError
from benchmarks.log_records import ACCOUNT, Log, make_log
from benchmarks.processes import output_of
from projections.email_index import EmailState
from projections.partition import Origin
from projections.profiles import ProfileState
from projections.storage import RocksStorage
from schemas.identity import KEY_BYTES, Identity
from streams.log.chunks import CHUNK_RECORDS


@dataclass(frozen=True)
class FoldResult:
    """`events` folded in `seconds` on the clock and `cpu_seconds` of all threads."""

    events: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        return self.events / self.seconds


def fold_in_process(count: int) -> FoldResult:
    """`measure_fold` in a fresh process, so that neither leaves memory to the other."""
    return msgspec.json.decode(output_of("benchmarks.fold", str(count)), type=FoldResult)


def measure_fold(count: int) -> FoldResult:
    """Fold `count` events, and the records of emails that they led to, into two new RocksDB folders.

    As in a rebuild, all their outputs are published already, so documents, indexes and history
    are written, and the outbox is not. The records are in memory before the clock starts: what
    Kafka and its client cost is not in the figure. Binds the whole process to one core.
    """
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    identity = Identity(bytes(KEY_BYTES), partitions=1)
    log = make_log(identity, count)
    tune_garbage_collector()
    with tempfile.TemporaryDirectory(prefix="profilelog-bench-") as folder:
        profiles = ProfileState(*_partition(Path(folder), "profile-events", identity), identity)
        emails = EmailState(*_partition(Path(folder), "profile-emails", identity))
        began, cpu_began = time.perf_counter(), time.process_time()
        _rebuild(profiles, log.events)
        _rebuild(emails, log.emails)
        result = FoldResult(count, time.perf_counter() - began, time.process_time() - cpu_began)
        _check(profiles, emails, log, identity)
        profiles.close()
        emails.close()
    return result


def _partition(folder: Path, topic: str, identity: Identity) -> tuple[RocksStorage, Origin]:
    origin = Origin("benchmark", topic, 0, identity.partitions, identity.fingerprint)
    return RocksStorage(folder / topic), origin


def _rebuild(state: ProfileState | EmailState, records: list[LogRecord]) -> None:
    state.resume(len(records))
    for start in range(0, len(records), CHUNK_RECORDS):
        state.apply(records[start : start + CHUNK_RECORDS])


def _check(profiles: ProfileState, emails: EmailState, log: Log, identity: Identity) -> None:
    """The last user is found by uid and by the email that it came with."""
    found = profiles.read(identity.uid_hash(ACCOUNT, log.last_uid), ACCOUNT)
    if found is None or profiles.undecoded:
        raise MeasureError("the rebuilt state does not hold the last user")
    email = found.document()["email"]
    if emails.holder(identity.email_hash(ACCOUNT, email)) != found.id:
        raise MeasureError("the rebuilt email index does not hold the last user's email")


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(measure_fold(int(sys.argv[1]))))
