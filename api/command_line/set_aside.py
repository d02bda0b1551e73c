"""`profilelog set-aside`: the operator's decision to pass a record over that cannot be folded (contract §15).

The running service says, by `GET /ready`, at which records it has stopped, and only such a one can be set aside: a
record that was folded would be missing in every replay. The service goes on within a second or two.
"""

import re
from typing import Annotated, Any, Final

import httpx
import msgspec
import typer
from rich.table import Table

from api.command_line.account_log import kafka
from api.command_line.log_access import check_log_folder
from api.command_line.logs import configure_logging
from api.command_line.options import DataOption, JsonOption, UrlOption
from api.command_line.output import STDOUT, print_json, print_text
from api.command_line.process import run_to_end
from api.kafka_errors import kafka_in_words
from api.settings import Settings, deployment
from schemas.errors import OperatorError
from schemas.timestamps import format_timestamp
from streams.clock import now
from streams.log.decisions import SetAside, append_decision, read_decisions
from streams.log.topics import Topics

_POSITION: Final = re.compile(r"([0-9]{1,9}):([0-9]{1,18})", re.ASCII)
_LONGEST_WHY: Final = 1000
_TIMEOUT_SECONDS: Final = 30


class Stopped(msgspec.Struct):
    """A record at which the service has stopped."""

    topic: str
    partition: int
    offset: int
    error: str


class Ready(msgspec.Struct):
    """What is used of the answer to `GET /ready`."""

    status: str
    stopped: list[Stopped] = []


def set_aside(
    position: Annotated[
        str | None,
        typer.Argument(metavar="PARTITION:OFFSET", help="The record, as /ready shows it."),
    ] = None,
    why: Annotated[
        str | None,
        typer.Option(help="The reason, kept for ever: name no user and nothing of one."),
    ] = None,
    topic: Annotated[
        str | None, typer.Option(help="The record's topic, where two have stopped there.")
    ] = None,
    show: Annotated[
        bool, typer.Option("--list", help="List the records that were set aside.")
    ] = False,
    url: UrlOption = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Pass over a record that cannot be folded, for good. A service must be running, and have stopped there."""
    settings = Settings.load(url=url, data=data)
    configure_logging("warning")  # httpx logs addresses at INFO
    if show:
        _show(run_to_end(lambda: _made(settings)), json=json)
        return
    if position is None or (named := _POSITION.fullmatch(position)) is None:
        raise typer.BadParameter("send PARTITION:OFFSET, as /ready shows it, or --list")
    if why is None or not 1 <= len(why.strip()) <= _LONGEST_WHY:
        raise typer.BadParameter(f"--why: send a reason of 1 to {_LONGEST_WHY} characters")
    wanted = int(named[1]), int(named[2])
    made = run_to_end(lambda: _decide(settings, *wanted, topic, why.strip()))
    if json:
        print_json({"set_aside": _described(made)})
    else:
        print_text(f"{made.topic}-{made.partition}: offset {made.offset} is set aside")


async def _decide(
    settings: Settings, partition: int, offset: int, topic: str | None, why: str
) -> SetAside:
    found = [
        at
        for at in await _stopped(settings)
        if (at.partition, at.offset) == (partition, offset)
        and topic in (None, at.topic, at.topic.removeprefix(settings.topic_prefix))
    ]
    if not found:
        raise OperatorError(
            f"the service at {settings.url} has not stopped at {partition}:{offset}: set aside what its /ready shows"
        )
    if len(found) > 1:
        names = " or ".join(at.topic for at in found)
        raise OperatorError(f"two topics have stopped at {partition}:{offset}: add --topic {names}")
    decision = SetAside(found[0].topic, partition, offset, now(), why)
    async with kafka(settings) as log, kafka_in_words(log.access):
        await append_decision(log.access, Topics(1, settings.topic_prefix), decision)
    return decision


async def _stopped(settings: Settings) -> list[Stopped]:
    async with httpx.AsyncClient(base_url=settings.url, timeout=_TIMEOUT_SECONDS) as client:
        try:
            response = await client.get("/ready")
        except httpx.TransportError as error:
            raise OperatorError(
                f"no answer from {settings.url} ({type(error).__name__}): it is the service that says where it has "
                "stopped; start it, and check --url or PROFILELOG_URL"
            ) from None
    return msgspec.json.decode(response.content, type=Ready).stopped


async def _made(settings: Settings) -> list[SetAside]:
    check_log_folder(settings)
    async with kafka(settings) as log:
        known = deployment(settings, kafka=log.access, embedded=log.embedded)
        async with kafka_in_words(log.access):
            decisions = await read_decisions(log.access, Topics(known.partitions, known.prefix))
    return decisions.made


def _described(decision: SetAside) -> dict[str, Any]:
    return msgspec.to_builtins(decision) | {"at": format_timestamp(decision.at)}


def _show(made: list[SetAside], *, json: bool) -> None:
    if json:
        print_json({"set_aside": [_described(each) for each in made]})
        return
    table = Table(box=None, pad_edge=False)
    for column in ("PARTITION", "OFFSET", "AT", "WHY"):
        table.add_column(column, no_wrap=column != "WHY")
    for each in made:
        at = format_timestamp(each.at)
        table.add_row(f"{each.topic}-{each.partition}", str(each.offset), at, each.why)
    STDOUT.print(table)
