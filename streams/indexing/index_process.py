"""The process that writes the search index: `python -m streams.indexing.index_process DESCRIPTOR`.

It answers the frames that come over the socket with this descriptor, one after the other, and ends when the service's
end of it is closed; when the service ends, it is killed. What was not committed is lost, and is sent again to the next
process.
"""

import contextlib
import fcntl
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from projections import tracking
from projections.profile import split
from projections.search.documents import Entry
from projections.search.index import SearchIndex
from schemas.events import ENCODER
from schemas.timestamps import format_timestamp
from streams.indexing import frames

_NICENESS: Final = 10
_LOCK: Final = "LOCK"
_RECEIVED_BYTES: Final = 1 << 18


def main() -> None:
    """Serve until the service has gone."""
    os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        with contextlib.suppress(ConnectionError):  # the service has gone
            _serve(channel)
        # The writer's end would wait for merges, which nobody will read.
        os._exit(0)


def _serve(channel: socket.socket) -> None:
    requests = _requests(channel)
    opening = next(requests, None)
    if not isinstance(opening, frames.Open):
        return
    try:
        root = Path(opening.root)
        _keep_others_out(root)
        index = SearchIndex(root, opening.origin)
        channel.sendall(frames.frame(frames.Answer(index.generation, damage=index.damage)))
        for request in requests:
            _do(index, request)
            channel.sendall(frames.frame(frames.Answer(index.generation)))
    except ConnectionError:
        raise
    except BaseException as error:
        channel.sendall(frames.frame(frames.Answer(failed=type(error).__name__)))


def _requests(channel: socket.socket) -> Iterator[frames.Request]:
    received = frames.Frames()
    while data := channel.recv(_RECEIVED_BYTES):
        yield from map(frames.decode_request, received.feed(data))


def _keep_others_out(root: Path) -> None:
    """Wait until no other process writes the index, and let none until this one ends.

    tantivy's own lock is of one generation: what a former process is about to begin would be removed under it.
    """
    root.mkdir(parents=True, exist_ok=True)
    lock = os.open(root / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)


def _do(index: SearchIndex, request: frames.Request) -> None:
    match request:
        case frames.Changes():
            _change(index, request)
        case frames.Commit():
            index.commit()
        case frames.BeginRebuild():
            index.begin_rebuild()
        case frames.FinishRebuild():
            index.finish_rebuild()
        case frames.AbandonRebuild():
            index.abandon_rebuild()
        case frames.RemoveOthers():
            index.remove_others()
        case frames.Open():
            raise ValueError("the index is open")


def _change(index: SearchIndex, changes: frames.Changes) -> None:
    for id_, row in zip(changes.ids, changes.rows, strict=True):
        if row is None:
            index.delete(id_)
            continue
        entry = _entry(row, changes.partition, changes.counters.get(id_))
        if changes.added:
            index.add([entry])
        else:
            index.upsert(entry)


def _entry(row: bytes, partition: int, counters: list[bytes] | None) -> Entry:
    header, document = split(row)
    tracked = None if counters is None else _tracked(counters)
    return Entry(header.id, header.account, document, partition, header.version, tracked)


def _tracked(counters: list[bytes]) -> bytes:
    counted = {
        name: {"count": counter.count, "last_at": format_timestamp(counter.last_at)}
        for name, counter in tracking.decode_counters(counters).items()
    }
    return ENCODER.encode(counted)


if __name__ == "__main__":
    main()
