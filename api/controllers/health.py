"""Health: is the process alive, has it caught up, what is behind (contract §15). No secret, no user data."""

from collections.abc import Mapping
from typing import Final

from litestar import Controller, get

from api.answers import Answer, answer
from api.app_context import app_context
from api.incoming import Incoming
from schemas.timestamps import format_timestamp
from streams import clock
from streams.lag import WORTH_A_WARNING_SECONDS, Lag
from streams.node import Node

_WORTH_SHOWING_SECONDS: Final = 1.0


def _warnings(node: Node, unpublished: Lag) -> list[str]:
    """What a person should know: damaged folders, overdue deletions, a wrong clock, what is behind."""
    found = list(node.repairs)
    overdue = node.purge.overdue
    if overdue.count:
        number = f"{overdue.count} deletion{'s are' if overdue.count > 1 else ' is'}"
        found.append(f"{number} overdue: {overdue.reason}")
    if (wrong := clock.warning()) is not None:
        found.append(wrong)
    if unpublished.seconds > WORTH_A_WARNING_SECONDS:
        found.append(
            f"what is published is {unpublished.seconds:.0f} s behind what is written:"
            f" {unpublished.waiting:,} records wait"
        )
    return found + node.search.warnings


def _behind(lags: Mapping[str, Lag]) -> dict[str, object]:
    """What is published or indexed later than it is written, where that is more than a moment."""
    return {
        what: {"waiting": lag.waiting, "seconds": round(lag.seconds, 1)}
        for what, lag in lags.items()
        if lag.seconds > _WORTH_SHOWING_SECONDS
    }


def _stopped(node: Node) -> list[dict[str, object]]:
    """The records that cannot be folded, each at which something stopped (contract §15)."""
    return [
        {"topic": at.topic, "partition": at.partition, "offset": at.offset, "error": at.kind}
        for at in node.stopped
    ]


def _operations(node: Node) -> dict[str, object]:
    """What waits to be purged, published or indexed, and what a person should know; nothing where all is well."""
    found = node.purge.unpurged()
    shown: dict[str, object] = {}
    if found is not None:
        times = format_timestamp(found.first), format_timestamp(found.last)
        shown["deletions"] = {"open": found.number, "first": times[0], "last": times[1]}
    unpublished = node.partitions.unpublished
    if behind := _behind({"published": unpublished, "indexed": node.search.lag}):
        shown["behind"] = behind
    if warnings := _warnings(node, unpublished):
        shown["warnings"] = warnings
    return shown


class HealthController(Controller):
    """`/health` and `/ready`."""

    tags = ("operations",)

    @get("/health", summary="The process is alive")
    async def health(self) -> Answer:
        return answer({"status": "ok"})

    @get("/ready", summary="The service has caught up with the log")
    async def ready(self, request: Incoming) -> Answer:
        node = app_context(request).node
        if stopped := _stopped(node):
            return answer(
                {"status": "stopped", "stopped": stopped, **_operations(node)},
                503,
                retry_after="30",
            )
        if node.cluster.ready:
            others = len(node.cluster.owners.others())
            nodes = {"nodes": others + 1} if others else {}
            return answer({"status": "ready", **nodes, **_operations(node)})
        repairs = {"warnings": node.repairs} if node.repairs else {}
        partitions = {"ready": node.cluster.ready_partitions, "all": node.topics.partitions}
        return answer(
            {"status": "catching up", "partitions": partitions, **repairs}, 503, retry_after="1"
        )
