"""Answers that go on for long, at a node whose leases run out meanwhile: it may have missed a forget."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from api.answers import StreamedAnswer
from api.commands import following_changes
from api.commands.following_changes import Wanted, observe
from api.http.connection import EXTENSION
from api.http.leases import begin
from streams.partition.owned_partitions import Elsewhere

EVERYTHING = Wanted(None, frozenset(), frozenset())


class Leases:
    """Good until a test says otherwise."""

    def __init__(self) -> None:
        self.good = True
        self.lapsed = 0

    def are_good(self, lapsed: int) -> bool:
        return self.good and self.lapsed == lapsed


def test_an_export_is_cut_when_the_lease_has_run_out() -> None:
    leases, sent = Leases(), list[bytes]()
    cut: list[str] = []

    async def parts() -> AsyncGenerator[bytes]:
        yield b"one"
        leases.good = False
        yield b"two"

    async def gone() -> None:
        return

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))

    connection = SimpleNamespace(cut=lambda: cut.append("cut"), gone=gone)
    scope: Any = {"method": "GET", "extensions": {EXTENSION: {"connection": connection}}}
    begin(scope, cast("Any", leases))

    asyncio.run(StreamedAnswer(parts())(scope, cast("Any", None), send))

    assert b"one" in sent
    assert b"two" not in sent
    assert cut == ["cut"]


class Changes:
    """One portion of records for a stream."""

    log = "log"

    def __init__(self, records: list[Any]) -> None:
        self._records = records
        self.is_idle = False

    @contextlib.asynccontextmanager
    async def listening(self, *_: object) -> AsyncGenerator["Changes"]:
        yield self

    async def take(self) -> list[Any]:
        return self._records

    def is_due(self) -> bool:
        return False


def record(partition: int, id_: str) -> Any:
    shown = SimpleNamespace(data=id_.encode())
    return SimpleNamespace(
        partition=partition, id=id_, account="a", forgets=False, head=b"", shown=shown
    )


def _true(*_: object) -> bool:
    return True


def _no_bytes(*_: object) -> bytes:
    return b""


def followed(monkeypatch: pytest.MonkeyPatch, leases: Leases, ask: Any, *here: Any) -> list[bytes]:
    """What a stream shows of a profile here, and one of another node that `ask` asks."""
    present = set(here)

    def may_be_shown(_: object, shown: Any) -> bool:
        if shown.partition == 1:
            raise Elsewhere(cast("Any", SimpleNamespace(topic="t", partition=1)))
        return shown.id in present

    monkeypatch.setattr(following_changes, "_is_wanted", _true)
    monkeypatch.setattr(following_changes, "_may_be_shown", may_be_shown)
    monkeypatch.setattr(following_changes, "_still_here", _no_bytes)

    async def asked(question: Any) -> list[str]:
        return await ask(question, present)

    changes = Changes([record(0, "here"), record(1, "there")])
    cluster = SimpleNamespace(leases=leases, peers=SimpleNamespace(ask=asked))
    node: Any = SimpleNamespace(
        topics=SimpleNamespace(partitions=0), cluster=cluster, changes=changes
    )

    async def portions() -> list[bytes]:
        shown: list[bytes] = []
        stream = observe(node, "a", EVERYTHING, lambda: None)
        async with contextlib.aclosing(stream):
            async for portion in stream:
                shown.append(portion)
                if len(shown) == 2:
                    break
        return shown[1:]

    return asyncio.run(portions())


async def nobody_is_gone(*_: object) -> list[str]:
    return []


def test_a_stream_shows_who_is_here_and_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    (shown,) = followed(monkeypatch, Leases(), nobody_is_gone, "here")

    assert b"data: here" in shown
    assert b"data: there" in shown


def test_who_is_forgotten_while_another_node_is_asked_is_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def ask(_: object, present: set[str]) -> list[str]:
        present.clear()
        return []

    (shown,) = followed(monkeypatch, Leases(), ask, "here")

    assert b"data: here" not in shown
    assert b"data: there" in shown


def test_a_stream_ends_when_the_lease_has_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    leases = Leases()
    leases.good = False

    assert followed(monkeypatch, leases, nobody_is_gone, "here") == []
