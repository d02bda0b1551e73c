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


def query_expand(query: Mapping[str, str]) -> Mapping[str, object]:
    """What the bracketed names of a query ask to expand, `expand[company]=all`."""
    return {
        name[len("expand[") : -1]: value
        for name, value in query.items()
        if name.startswith("expand[") and name.endswith("]")
    }


def body_expand(body: Mapping[str, object]) -> Mapping[str, object]:
    """What a body asks to expand, `{"expand":{…}}`. Raises `Unprocessable`."""
    given = body.get("expand")
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise Unprocessable("expand must be an object")
    return given  # pyright: ignore[reportUnknownVariableType] - JSON's keys are text


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
            json = _json(node, profile)
        case "min":
            json = ENCODER.encode(min_document(profile.document()))
        case "skip":
            json = ENCODER.encode({"id": profile.id})
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
