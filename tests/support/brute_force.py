"""The filter grammar of contract §6 once more: plain Python over documents, to check the index by.

It reads the filters as they are sent, and shares nothing with `schemas.search` but the contract;
that values are normalized "like stored values" is `normalize` itself.
"""

import operator
import re
from dataclasses import dataclass, field
from typing import Any, cast

from schemas.identifiers import fold_email, fold_email_part
from schemas.normalization import UNSET, normalize
from schemas.property_names import NOT_SETTABLE
from schemas.timestamps import MILLISECONDS_PER_DAY, parse_timestamp

MISSING = object()
ORDERED = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
NEGATED = {"nx": "ex", "ne": "eq", "nin": "in", "nin-i": "in-i", "nin-v": "in-v", "nin-a": "in-a"}
IDENTIFIERS = (
    *("id", "uid", "email", "company_id", "company_uid"),
    *("company.id", "company.uid", "company.email"),
)


@dataclass(frozen=True)
class Known:
    """All that is known of a user: `tracked` is what a read shows under ``events``."""

    document: dict[str, Any]
    company: dict[str, Any] | None = None
    tracked: dict[str, Any] = field(default_factory=dict[str, Any])


def found(filters: list[dict[str, Any]], user: Known, now: int, op: str = "and") -> bool:
    """Whether the user meets the filters."""
    each = (_holds(filter_, user, now) for filter_ in filters)
    return all(each) if op == "and" or not filters else any(each)


def _holds(filter_: dict[str, Any], user: Known, now: int) -> bool:
    if filter_["kind"] == "group":
        return found(filter_["filters"], user, now, filter_.get("filters_op", "and"))
    op = filter_["op"]
    if op in NEGATED:
        return not _holds({**filter_, "op": NEGATED[op]}, user, now)
    if filter_["kind"] == "event":
        return _event_holds(filter_, user, now)
    prop: str = filter_["prop"]
    value = _at(prop, user)
    if op == "ex":
        return value is not MISSING
    wanted = filter_["value"]
    match op:
        case "eq":
            return _equals(value, wanted, prop, now)
        case "gt" | "gte" | "lt" | "lte":
            return _compares(op, value, wanted, prop, now)
        case "gt-d" | "lt-d":
            limit = now - float(wanted) * MILLISECONDS_PER_DAY
            return _kind(value, prop) == "time" and ORDERED[op[:2]](_ms(value), limit)
        case "in" | "in-i":
            needle = fold_email_part(wanted) if prop == "email" else wanted
            if _kind(value, prop) != "text":
                return False
            text = _plain(value, prop)
            return needle in text if op == "in" else _holds_text(text, needle)
        case "in-v":
            values = [text.strip() for text in wanted.split(",") if text.strip()]
            return any(_equals(value, text, prop, now) for text in values)
        case "in-a":
            items = cast("list[Any]", value) if isinstance(value, list) else []
            return any(_equals(item, wanted, prop, now) for item in items)
        case _:
            raise AssertionError(op)


def _at(prop: str, user: Known) -> Any:
    if prop == "company":
        return MISSING if user.company is None else user.company
    if prop.startswith("company."):
        return MISSING if user.company is None else _inside(prop.split(".")[1:], user.company)
    return _inside(prop.split("."), user.document)


def _inside(names: list[str], document: dict[str, Any]) -> Any:
    value: Any = document
    for name in names:
        hash_ = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        value = hash_.get(name, MISSING)
    return value


def _stored(value: Any, prop: str, now: int) -> Any:
    """What would be stored for the value, had it been sent under this name."""
    if (
        prop in IDENTIFIERS or value == UNSET
    ):  # which removes a property, and is a text inside an array
        return value
    name = prop.rpartition(".")[2]
    if name in NOT_SETTABLE:  # sent under another name that is normalized alike
        name = "seen_at" if name.endswith("_at") else "plan"
    return normalize({name: value}, now).properties[name]


def _kind(value: Any, prop: str) -> str:
    if value is MISSING:
        return "missing"
    if isinstance(value, str) or (prop in IDENTIFIERS and value is not None):
        if prop not in IDENTIFIERS and len(value) == 24 and value[-5:-4] == ".":
            return "text" if parse_timestamp(value) is None else "time"
        return "text"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return {type(None): "null", list: "array", dict: "hash"}[type(value)]


def _plain(value: Any, prop: str) -> Any:
    if prop == "email":
        return fold_email(str(value))
    return str(value) if prop in IDENTIFIERS else value


def _numbers(value: Any, wanted: Any, prop: str) -> tuple[Any, Any]:
    """Both as the numbers that they spell: what is stored as a text only if none of its digits would be lost."""
    if prop in IDENTIFIERS:
        return value, wanted
    if isinstance(value, str) and re.fullmatch(r"-?[1-9][0-9]{15,}", value):
        value = int(value)
    if isinstance(wanted, str):
        if re.fullmatch("-?[0-9]+", wanted):
            wanted = int(wanted)
        elif re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?(e[+-]?[0-9]{1,2})?", wanted):
            wanted = float(wanted)
    return value, wanted


def _equals(value: Any, wanted: Any, prop: str, now: int) -> bool:
    as_sent = _stored(wanted, prop, now)
    numbers = _numbers(value, wanted, prop)
    return _equal(value, as_sent, prop) or _equal(*numbers, prop)


def _compares(op: str, value: Any, wanted: Any, prop: str, now: int) -> bool:
    numbers = _numbers(value, wanted, prop)
    if all(_kind(each, prop) == "number" for each in numbers):
        return _compared(op, *numbers, prop)
    return _compared(op, value, _stored(wanted, prop, now), prop)


def _equal(value: Any, wanted: Any, prop: str) -> bool:
    kind = _kind(value, prop)
    if kind in ("missing", "array", "hash") or kind != _kind(wanted, prop):
        return False
    return kind == "null" or _plain(value, prop) == _plain(wanted, prop)


def _compared(op: str, value: Any, wanted: Any, prop: str) -> bool:
    kind = _kind(value, prop)
    if kind not in ("text", "number", "time") or kind != _kind(wanted, prop):
        return False
    if kind == "time":
        return ORDERED[op](_ms(value), _ms(wanted))
    return ORDERED[op](_plain(value, prop), _plain(wanted, prop))


def _ms(text: str) -> int:
    ms = parse_timestamp(text)
    assert ms is not None
    return ms


def _holds_text(text: str, part: str) -> bool:
    """Ignoring the case of each character for itself."""
    folded, wanted = [each.casefold() for each in text], [each.casefold() for each in part]
    return any(
        folded[start : start + len(wanted)] == wanted
        for start in range(len(folded) - len(wanted) + 1)
    )


def _event_holds(filter_: dict[str, Any], user: Known, now: int) -> bool:
    event = user.tracked.get(filter_["prop"])
    op = filter_["op"]
    if op == "ex":
        return event is not None
    wanted = float(filter_["value"])
    if op in ("gt-d", "lt-d"):
        limit = now - wanted * MILLISECONDS_PER_DAY
        return event is not None and ORDERED[op[:2]](_ms(event["last_at"]), limit)
    count = 0 if event is None else event["count"]
    return count == wanted if op == "eq" else ORDERED[op](count, wanted)
