"""`profilelog nodes`: who owns what, as the log says it (contract §16)."""

from typing import Any, Final

from rich.table import Table

from api.command_line.account_log import kafka
from api.command_line.log_access import check_log_folder
from api.command_line.logs import configure_logging
from api.command_line.options import DataOption, JsonOption
from api.command_line.output import STDOUT, print_json
from api.command_line.process import run_to_end
from api.kafka_errors import kafka_in_words
from api.settings import Settings, deployment
from schemas.timestamps import format_timestamp
from streams.cluster.roll import Held, read_roll
from streams.log.topics import Topics

_COLUMNS: Final = ("NODE", "URL", "PARTITIONS", "LEASE", "RENEWED")


def nodes(data: DataOption = None, json: JsonOption = False) -> None:
    """List the nodes that own partitions. A lease that was not renewed of late is a dead node's."""
    settings = Settings.load(data=data)
    configure_logging("warning")
    shown = _by_node(run_to_end(lambda: _read(settings)))
    if json:
        print_json({"nodes": shown})
        return
    table = Table(box=None, pad_edge=False)
    for column in _COLUMNS:
        table.add_column(column)
    for node in shown:
        partitions = ", ".join(map(str, node["partitions"]))
        lease = f"{node['lease_seconds']:g} s" if node["lease_seconds"] else "released"
        table.add_row(node["id"], node["url"], partitions, lease, node["renewed_at"])
    STDOUT.print(table)


async def _read(settings: Settings) -> list[Held]:
    check_log_folder(settings)
    async with kafka(settings) as log, kafka_in_words(log.access):
        known = deployment(settings, kafka=log.access, embedded=log.embedded)
        return await read_roll(log.access, Topics(known.partitions, known.prefix))


def _by_node(roll: list[Held]) -> list[dict[str, Any]]:
    nodes: dict[tuple[str, bool], list[Held]] = {}
    for held in roll:
        nodes.setdefault((held.owner.node, held.owner.is_held), []).append(held)
    return [
        {
            "id": node,
            "url": some[-1].owner.url,
            "partitions": [held.partition for held in some],
            "lease_seconds": max(held.owner.seconds for held in some) if is_held else 0,
            "renewed_at": format_timestamp(max(held.at for held in some)),
        }
        for (node, is_held), some in sorted(nodes.items())
    ]
