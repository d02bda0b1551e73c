"""Show a profile as it is answered (contract §5)."""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from projections.profile import StoredProfile, decode_document, min_document
from projections.tracking import Counter, Occurrence
from schemas.errors import Unprocessable
from schemas.events import ENCODER
from schemas.timestamps import format_timestamp
from streams.node import Node

Form = Literal["all", "min", "skip"]

_FORMS: Final = ("all", "min", "skip")


class Expand(NamedTuple):
    """How much of a profile, of its company and of its tracked events is shown."""

    profile: Form = "all"
    company: Form = "min"
    events: Form = "skip"


def parse_expand(given: Mapping[str, object]) -> Expand:
    """`expand` of a body, or of a query by its bracketed names. Raises `Unprocessable`."""
    forms: dict[str, Any] = {}
    for name, form in given.items():
        if name not in Expand._fields:
            raise Unprocessable(f"expand: only {', '.join(Expand._fields)} can be expanded")
        if form not in _FORMS:
            raise Unprocessable(f"expand[{name}] must be one of {', '.join(_FORMS)}")
        forms[name] = form
    return Expand(**forms)


def show(node: Node, profile: StoredProfile, expand: Expand) -> bytes:
    """The JSON of a profile, with its company. The whole form costs no decoding."""
    match expand.profile:
        case "all":
            json = profile.json
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
    return b'%b,"company":%b}' % (json[:-1], company.min)


def _events(node: Node, profile: StoredProfile, *, whole: bool) -> dict[str, dict[str, Any]]:
    """By name, how often and when an event was tracked, and whole with the last ones (contract §11)."""
    state = node.worker.profiles(node.identity.partition_of_id(profile.id))
    if not whole:
        return {name: _counted(counter) for name, counter in state.counters(profile.id).items()}
    return {
        name: _counted(counter) | {"last": [_occurred(occurrence) for occurrence in last]}
        for name, (counter, last) in state.tracked(profile.id).items()
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
