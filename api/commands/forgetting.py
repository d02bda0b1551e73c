"""Forget profiles, and say how far it is (contract §8)."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from api.commands.addressing import NO_PROFILE, find, parse_identifiers
from projections.profile import StoredProfile
from schemas.errors import ItemError, NotFound, RequestError, Unavailable, Unprocessable
from schemas.identity import is_id
from schemas.timestamps import format_timestamp
from streams.clock import now
from streams.forgetting import forget_event
from streams.node import Node, Written

NO_DELETION: Final = "No such deletion"
COLUMNS: Final = ("uid", "email", "id")


class Forgotten(NamedTuple):
    """A profile that is forgotten and the deletion's receipt."""

    profile: str
    deletion: str
    written: Written


async def forget(node: Node, profile: StoredProfile) -> Forgotten:
    """Erase the profile; from the answer on no read shows it. Raises `NotFound`, `Unavailable`."""
    partition = node.identity.partition_of_id(profile.id)
    state = node.worker.profiles(partition)
    event = forget_event(state, profile, now())
    written = await node.write(partition, event)
    if written.verdict.outcome == "missing":
        raise NotFound(NO_PROFILE)
    return Forgotten(profile.id, event.deletion, written)


async def forget_many(
    node: Node, account: str, items: Iterable[object]
) -> tuple[list[Forgotten], list[ItemError]]:
    """Forget each; what cannot be forgotten is reported by its index, from 0."""
    forgotten: list[Forgotten] = []
    errors: list[ItemError] = []
    for index, item in enumerate(items):
        try:
            if not isinstance(item, dict):
                raise Unprocessable("An item must be an object with `uid`, `email` or `id`")
            named = parse_identifiers(item)  # pyright: ignore[reportUnknownArgumentType]
            forgotten.append(await forget(node, find(node, account, named)))
        except Unavailable:
            # Already forgotten ones stay so: sending the rest again completes it.
            if not forgotten:
                raise
            errors.append(ItemError(503, index, "Not forgotten yet: send this item again"))
        except RequestError as error:
            errors.append(ItemError(error.code, index, error.messages[0]))
    return forgotten, errors


def read_csv(body: bytes) -> list[Mapping[str, str]]:
    """The lines of a CSV whose header names `uid`, `email` or `id`. Raises `Unprocessable`."""
    try:
        lines = csv.DictReader(io.StringIO(body.decode("utf-8-sig")), strict=True)
        names = [name.strip() for name in lines.fieldnames or ()]
        if not set(names) & set(COLUMNS):
            raise Unprocessable("The CSV's first line must name `uid`, `email` or `id`")
        lines.fieldnames = names
        return [_given(line) for line in lines]
    except UnicodeDecodeError:
        raise Unprocessable("The CSV must be UTF-8") from None
    except csv.Error:
        raise Unprocessable("The CSV cannot be read: check its quotes") from None


def _given(line: Mapping[str, Any]) -> dict[str, str]:
    return {name: line[name] for name in COLUMNS if line.get(name)}


def show_receipt(node: Node, account: str, deletion_id: str) -> dict[str, Any]:
    """The receipt as it is answered. `purged` comes with the purge. Raises `NotFound`, `Unavailable`."""
    if not is_id(deletion_id):
        raise NotFound(NO_DELETION)
    state = node.worker.profiles(node.identity.partition_of_id(deletion_id))
    receipt = state.receipt(deletion_id, account)
    if receipt is None:
        raise NotFound(NO_DELETION)
    tombstoned = state.tombstoned(deletion_id)
    expected = receipt.requested_at + int(node.deployment.purge_within * 1000)
    return {
        "id": deletion_id,
        "status": "accepted" if tombstoned is None else "tombstoned",
        "events": receipt.events if tombstoned is None else tombstoned.events,
        "requested_at": format_timestamp(receipt.requested_at),
        "expected_by": format_timestamp(expected),
        "tombstoned_at": None if tombstoned is None else format_timestamp(tombstoned.at),
        "purged_at": None,
    }
