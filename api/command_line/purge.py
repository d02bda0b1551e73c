"""`profilelog purge`: what waits to be purged, and waiting for it (design "Erasure").

The running service purges; this command asks it, by `GET /ready`, how far it is, and with `--now` lets the topics
roll and compact within seconds meanwhile. The service sees that within 10 s and keeps the pace.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from typing import Annotated, Final

import httpx
import msgspec
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api.command_line.logs import configure_logging
from api.command_line.options import DataOption, JsonOption, UrlOption
from api.command_line.output import STDERR, print_json, print_text
from api.command_line.process import run_to_end
from api.kafka_errors import kafka_in_words
from api.settings import Settings
from schemas.errors import OperatorError
from streams.broker import running_broker
from streams.log.topic_settings import hurried
from streams.log.topics import Topics

_POLL_SECONDS: Final = 0.5
_TIMEOUT_SECONDS: Final = 30


class Open(msgspec.Struct, rename={"number": "open"}):
    """How many deletions wait to be purged, and when the first and the last of them were requested."""

    number: int
    first: str
    last: str


class Ready(msgspec.Struct):
    """What is used of the answer to `GET /ready`."""

    status: str
    deletions: Open | None = None
    warnings: list[str] = []


class Report(msgspec.Struct):
    """What the command says with --json. `purged` counts what the command waited for."""

    open: int
    first: str | None
    last: str | None
    warnings: list[str]
    purged: int = 0
    seconds: float = 0


def purge(
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until all that waits now is purged.")
    ] = False,
    now: Annotated[
        bool,
        typer.Option(
            "--now",
            help="Wait, and let Kafka roll and compact its segments every second meanwhile: it "
            "rewrites the log of each partition as often.",
        ),
    ] = False,
    url: UrlOption = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Say which deletions are not purged yet, or wait for them. A service must be running."""
    settings = Settings.load(url=url, data=data)
    configure_logging("warning")  # httpx logs addresses at INFO
    report = run_to_end(lambda: _purge(settings, wait=wait or now, now=now))
    if json:
        print_json(report)
    else:
        print_text(_summary(report))


async def _purge(settings: Settings, *, wait: bool, now: bool) -> Report:
    async with httpx.AsyncClient(base_url=settings.url, timeout=_TIMEOUT_SECONDS) as client:
        ready = await _ask(client)
        if not wait or ready.deletions is None:
            return _report(ready)
        async with contextlib.AsyncExitStack() as stack:
            if now:
                await stack.enter_async_context(_hurried(settings))
            return await _wait(client, ready.deletions)


async def _wait(client: httpx.AsyncClient, begin: Open) -> Report:
    """Wait until what is open now is purged; what comes meanwhile is not waited for."""
    started = time.monotonic()
    with _progress() as progress:
        task = progress.add_task("purging", total=begin.number)
        while True:
            ready = await _ask(client)
            left = ready.deletions
            if left is None or left.first > begin.last:
                progress.update(task, completed=begin.number)
                break
            done = max(begin.number - left.number, progress.tasks[task].completed)
            progress.update(task, completed=done)
            await asyncio.sleep(_POLL_SECONDS)
    report = _report(ready)
    report.purged, report.seconds = begin.number, round(time.monotonic() - started, 1)
    return report


async def _ask(client: httpx.AsyncClient) -> Ready:
    try:
        response = await client.get("/ready")
    except httpx.TransportError as error:
        raise OperatorError(
            f"no answer from {client.base_url} ({type(error).__name__}): it is the service that "
            "purges; start it, and check --url or PROFILELOG_URL"
        ) from None
    if response.status_code != 200:
        raise OperatorError(f"the service answered {response.status_code}: try again later")
    return msgspec.json.decode(response.content, type=Ready)


@contextlib.asynccontextmanager
async def _hurried(settings: Settings) -> AsyncGenerator[None]:
    """The topics in a hurry until the block ends, however it does."""
    kafka = settings.own_kafka() or running_broker(settings.data)
    if kafka is None:
        raise OperatorError(
            "there is no Kafka to talk to: set PROFILELOG_KAFKA to its host:port, or name the data "
            "folder of the running service with --data"
        )
    names = Topics(1, settings.topic_prefix).purged
    async with kafka_in_words(kafka), hurried(kafka, names):
        yield


def _report(ready: Ready) -> Report:
    if ready.deletions is None:
        return Report(0, None, None, ready.warnings)
    found = ready.deletions
    return Report(found.number, found.first, found.last, ready.warnings)


def _summary(report: Report) -> str:
    lines = [f"{report.purged} purged in {report.seconds} s"] if report.purged else []
    if report.open:
        lines.append(f"{report.open} not purged yet, requested {report.first} to {report.last}")
    elif not report.purged:
        lines.append("nothing waits to be purged")
    return "\n".join([*lines, *report.warnings])


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=STDERR,
        disable=not STDERR.is_terminal,
    )
