"""How much of a profile and of its company a read shows (contract §5)."""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from schemas.errors import Unprocessable

Form = Literal["all", "min", "skip"]

_FORMS: Final = ("all", "min", "skip")


class Expand(NamedTuple):
    """The form of the profile, of its company in it, and of its tracked events."""

    profile: Form = "all"
    company: Form = "min"
    events: Form = "skip"


_UNASKED: Final = Expand()


def asked_expand(parameters: Mapping[str, object]) -> Mapping[str, object]:
    """What a request asks to expand, `{"expand":{…}}`. Raises `Unprocessable`."""
    given = parameters.get("expand")
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise Unprocessable("expand: send an object, or brackets as in expand[company]=all")
    return given  # pyright: ignore[reportUnknownVariableType] - JSON's keys are text


def parse_expand(given: Mapping[str, object]) -> Expand:
    """The forms that `asked_expand` gave, and for the others what is shown unless asked. Raises `Unprocessable`."""
    if not given:
        return _UNASKED
    forms: dict[str, Any] = {}
    for name, form in given.items():
        if name not in Expand._fields:
            raise Unprocessable(f"expand: only {', '.join(Expand._fields)} can be expanded")
        if form not in _FORMS:
            raise Unprocessable(f"expand[{name}] must be one of {', '.join(_FORMS)}")
        forms[name] = form
    return Expand(**forms)
