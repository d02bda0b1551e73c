"""Show a profile as it is answered (contract §5)."""

from collections.abc import Mapping
from typing import Any

from projections.profile import StoredProfile, decode_document, min_document
from projections.tracking import Counter, Occurrence, Tracked
from schemas.events import ENCODER
from schemas.expansion import Expand
from schemas.timestamps import format_timestamp
from streams.node import Node


def show(node: Node, profile: StoredProfile, expand: Expand) -> bytes:
    """The JSON of a profile, with its company. The whole form costs no decoding."""
    match expand.profile:
        case "all":
            json = _json(node, profile)
        case "min":
            json = ENCODER.encode(min_document(profile.document()))
        case "skip":
            json = ENCODER.encode({"id": profile.id})
    if expand.events != "skip":
        # A property may have this name too, so it is not just appended.
        events = _events(node, profile, whole=expand.events == "all")
        json = ENCODER.encode(decode_document(json) | {"events": events})
    if profile.header.company is None or expand.profile != "all" or expand.company == "skip":
        return json
    company = node.companies.get(profile.header.company, profile.header.account)
    if company is None:
        return json
    shown = company.json if expand.company == "all" else company.min
    return b'%b,"company":%b}' % (json[:-1], shown)


def _json(node: Node, profile: StoredProfile) -> bytes:
    """The whole form. A company that is deleted is not shown, though its member has still to leave it."""
    company = profile.header.company
    if company is None or node.companies.deletion_of(company) is None:
        return profile.json
    document = profile.document()
    document.pop("company_id", None)
    return ENCODER.encode(document)


def _events(node: Node, profile: StoredProfile, *, whole: bool) -> dict[str, dict[str, Any]]:
    """By name, how often and when an event was tracked, and whole with the last ones (contract §11)."""
    state = node.partitions.profiles(node.identity.partition_of_id(profile.id))
    if not whole:
        return {name: _counted(counter) for name, counter in state.counters(profile.id).items()}
    return show_tracked(state.tracked(profile.id))


def show_tracked(tracked: Mapping[str, Tracked]) -> dict[str, dict[str, Any]]:
    """By name, how often and when an event was tracked, and the last ones (contract §11)."""
    return {
        name: _counted(counter) | {"last": [_occurred(occurrence) for occurrence in last]}
        for name, (counter, last) in tracked.items()
    }


def _counted(counter: Counter) -> dict[str, Any]:
    return {
        "count": counter.count,
        "first_at": format_timestamp(counter.first_at),
        "last_at": format_timestamp(counter.last_at),
    }


def _occurred(occurrence: Occurrence) -> dict[str, Any]:
    return {
        "id": occurrence.id,
        "at": format_timestamp(occurrence.at),
        "properties": occurrence.properties,
    }
