"""Show a profile as it is answered (contract §5)."""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from projections.profile import StoredProfile, min_document
from schemas.errors import Unprocessable
from schemas.events import ENCODER
from streams.node import Node

Form = Literal["all", "min", "skip"]

_FORMS: Final = ("all", "min", "skip")


class Expand(NamedTuple):
    """How much of a profile and of its company is shown."""

    profile: Form = "all"
    company: Form = "min"


def parse_expand(given: Mapping[str, object]) -> Expand:
    """`expand` of a body, or of a query by its bracketed names. Raises `Unprocessable`."""
    forms: dict[str, Any] = {}
    for name, form in given.items():
        if name not in Expand._fields:
            raise Unprocessable(f"expand: only {' and '.join(Expand._fields)} can be expanded")
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
    if profile.header.company is None or expand.profile != "all" or expand.company == "skip":
        return json
    company = node.companies.get(profile.header.company, profile.header.account)
    if company is None:
        return json
    return b'%b,"company":%b}' % (json[:-1], company.min)
