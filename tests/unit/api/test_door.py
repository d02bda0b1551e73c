"""What a node answers at the door, and what it reads of a request that was sent on to it."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from api.incoming import Incoming
from api.nodes.door import Door
from projections.fold.verdict import Verdict
from streams.cluster.operations import HolderOf, Operation, WriteEvent
from streams.cluster.peers import DOOR, DOOR_KEY_HEADER, IN_DOUBT, NOT_THE_OWNER

KEY = "key"


class RunOut:
    """Leases that run out before anything is answered."""

    lapsed = 0

    def are_good(self, lapsed: int) -> bool:  # noqa: ARG002 - as `Leases`
        return False


async def _done(*_: object) -> Verdict:
    return Verdict("created", 1, "1" * 24)


def _asked(operation: Operation[Any]) -> list[Any]:
    """The messages by which the door of a node whose leases run out answers."""
    cluster = SimpleNamespace(
        peers=SimpleNamespace(key=KEY), leases=RunOut(), answering=SimpleNamespace(answer=_done)
    )
    node = SimpleNamespace(cluster=cluster, write_here=_done)
    door = Door(cast("Any", None), cast("Any", SimpleNamespace(node=node)))
    sent: list[Any] = []

    async def receive() -> Any:
        body = msgspec.msgpack.encode(operation)
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(DOOR_KEY_HEADER.encode(), KEY.encode())]
    scope: Any = {"type": "http", "path": DOOR, "headers": headers}
    asyncio.run(cast("Any", door(scope, receive, send)))
    return sent


def test_a_write_that_is_done_is_never_said_not_to_be_taken() -> None:
    start, body = _asked(WriteEvent(0, b"key", b"value"))

    assert start["status"] == 503
    assert body["body"] == IN_DOUBT.encode()


def test_a_read_by_a_lease_that_has_run_out_is_asked_elsewhere() -> None:
    start, _ = _asked(HolderOf(0, b"email"))

    assert start["status"] == NOT_THE_OWNER


@pytest.mark.parametrize("raw", [b"plain", "é".encode(), b"\xe9", b"\xff\xfe"])
def test_a_header_is_the_same_at_the_node_that_it_was_sent_on_to(raw: bytes) -> None:
    def fields(*headers: tuple[bytes, bytes]) -> Any:
        scope: Any = {"type": "http", "headers": headers}
        return Incoming(scope).fields

    here = fields((b"idempotency-key", raw))["idempotency-key"]
    # As the client of the forwarding node writes it.
    sent_on = raw.decode("latin-1").encode("utf-8")
    key = (DOOR_KEY_HEADER.encode(), b"0")

    assert fields((b"idempotency-key", sent_on), key)["idempotency-key"] == here
