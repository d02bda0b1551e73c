"""Random users and filters that meet: few names, few values, and among them every awkward one."""

from functools import partial
from typing import Any

from hypothesis import strategies as st

from schemas.normalization import normalize
from schemas.search.meaning import MAX_SUBSTRINGS
from schemas.search.operators import MAX_SUBSTRING
from schemas.timestamps import (
    FIRST_TIMESTAMP,
    LAST_TIMESTAMP,
    MILLISECONDS_PER_DAY,
    format_timestamp,
)
from tests.support.brute_force import Known

NOW = 1_870_258_680_000

LONG_NAME = "long_" * 14 + "name"
NAMES = ("plan", "seen_at", "née", "01_step", "mixed", "address", LONG_NAME)
INNER = ("city", "seen_at", "deep")
EVENTS = ("imported_leads", "signed_in")

NUMBERS = (0, 1, -1, 2, 12, 12.5, 0.1, -0.5, 1e-7, 1e300, -1e300, 2**53, 2**53 - 1, 2**53 + 1,
           -(2**53) - 1, 2**63 - 1, -(2**63), 2.0**53, 2.0**63, 99_999_999, 7, 2**63, 2**64 + 1, -(2**64), 10**22,
           1e22, 10**30 + 1, 0.1 + 0.2)  # fmt: skip
TEXTS = ("", "a", "A", "ab", "a b", "a\nb", "a\tb", "b!", 'b"', "b#", "(b)", "*", ".*", "[a-z]",
         "\\", "\\d", "{", "}", "|", "~", "^a", "a$", "007", "+33", "=7", "NaN", "TO", "5 TO 7",
         "ß", "ss", "SS", "ẞ", "K", "k", "\u212a", "İ", "i", "ı", "ſ", "s", "ü", "Ü", "u\u0308",
         "日本", "🚧", "\u3000", "\xa0x", "\x85", "\u2003", "\u2028", "\u200b", "\U0010ffff",
         "2029-13-01", "2029-04-07t12:18:00z", "2029-04-07T12:18:00.000Z ", "nan", "1e400",
         "a,b", "x" * 800, "é" * 400)  # fmt: skip
_DAY = MILLISECONDS_PER_DAY
_MOMENTS = (
    NOW,
    NOW - 1,
    NOW + 1,
    NOW - _DAY,
    NOW - 3 * _DAY,
    0,
    -1,
    FIRST_TIMESTAMP,
    LAST_TIMESTAMP,
)
MOMENTS = tuple(map(format_timestamp, _MOMENTS))
UIDS = (18_821, "18821", "Ada", "a b", "007", "2029-04-07T12:18:00.000Z", 10**30, "true", "ß")
EMAILS = ("Ada@Example.com", " ada@example.com ", "bob@x.io", "STRASSE@x.io", "straße@x.io", None)

numbers = st.sampled_from(NUMBERS) | st.integers(-50, 50) | st.floats(-50, 50)
texts = st.sampled_from(TEXTS) | st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="".join(map(chr, range(32)))),
    max_size=6,
)
scalars = numbers | texts | st.sampled_from(MOMENTS) | st.booleans()
needles = (texts | st.sampled_from(["ADA", "example", "tra", "18", "00", "@"])).filter(
    lambda text: len(text.casefold()) <= MAX_SUBSTRING
)
hashes: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from(INNER), scalars | st.none(), max_size=3
)
values: st.SearchStrategy[Any] = scalars | st.none() | st.lists(scalars, max_size=3) | hashes
properties: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from(NAMES), values, max_size=5
)

companies: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"id": st.sampled_from(["0" * 24, "1" * 24]), "uid": st.sampled_from(UIDS)},
    optional={"plan": values, "seen_at": st.sampled_from(MOMENTS), "address": hashes},
)
tracked: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from(EVENTS),
    st.fixed_dictionaries({"count": st.integers(1, 5), "last_at": st.sampled_from(MOMENTS)}),
)


@st.composite
def users(draw: st.DrawFn, identifiers: st.SearchStrategy[str]) -> Known:
    """A user whose document is as the fold keeps it, perhaps with a company and with events."""
    id_ = draw(identifiers)
    document: dict[str, Any] = {
        "id": id_,
        "uid": draw(st.sampled_from(UIDS)),
        "created_at": draw(st.sampled_from(MOMENTS[:5])),
        "updated_at": MOMENTS[0],
        "percent": 12.5,
    }
    if draw(st.booleans()):
        document["email"] = draw(st.sampled_from(EMAILS))
    document |= normalize(draw(properties), NOW).properties
    company = draw(st.none() | companies)
    if company is not None:
        names = {name: company[name] for name in company if name not in ("id", "uid")}
        company = {"id": company["id"], "uid": company["uid"], **normalize(names, NOW).properties}
        document["company_id"] = company["id"]
    return Known(document, company, draw(tracked))


PATHS = (*NAMES, "address.city", "address.seen_at", "address.deep", "mixed.city", "nowhere", f"{LONG_NAME}.city",
         "company", "company.plan", "company.uid", "company.id", "company.seen_at",
         "company.address.city", "uid", "email", "id", "created_at", "company_id",
         "percent")  # fmt: skip
IDENTIFIER_PATHS = ("uid", "email", "id", "company_id", "company.uid", "company.id")

identifier_values = st.sampled_from(
    [*map(str, UIDS), 18_821, 10**30, *(email for email in EMAILS if email), "0" * 24, "1" * 24]
)


SUBSTRING_OPS = ("in", "nin", "in-i", "nin-i")
PROPERTY_OPS = ("ex", "nx", "eq", "ne", "gt", "gte", "lt", "lte", "gt-d", "lt-d", *SUBSTRING_OPS,
                "in-v", "nin-v", "in-a", "nin-a")  # fmt: skip


@st.composite
def property_filters(
    draw: st.DrawFn, paths: tuple[str, ...] = PATHS, ops: tuple[str, ...] = PROPERTY_OPS
) -> dict[str, Any]:
    prop = draw(st.sampled_from(paths))
    op = draw(st.sampled_from(ops))
    filter_: dict[str, Any] = {"kind": "property", "prop": prop, "op": op}
    if op not in ("ex", "nx"):
        filter_["value"] = draw(_value_for(op, prop))
    return filter_


def _value_for(op: str, prop: str) -> st.SearchStrategy[Any]:
    wanted = identifier_values if prop in IDENTIFIER_PATHS else scalars
    match op:
        case "eq" | "ne":
            return wanted | st.none()
        case "gt" | "gte" | "lt" | "lte":
            return wanted.filter(_is_comparable)
        case "gt-d" | "lt-d":
            return st.sampled_from([0, 1, 2, 3, "3", 0.5, -1, 1e9])
        case "in" | "nin" | "in-i" | "nin-i":
            return needles
        case "in-v" | "nin-v":
            return st.lists(wanted.map(str), min_size=1, max_size=4).map(
                lambda listed: ", ".join(["x", *listed])
            )
        case _:
            return wanted


def _is_comparable(value: Any) -> bool:
    """Whether the value can be compared with: no boolean, and no text that spells one."""
    return not isinstance(value, bool) and value not in ("true", "false")


@st.composite
def event_filters(draw: st.DrawFn) -> dict[str, Any]:
    op = draw(st.sampled_from(
        ["ex", "nx", "eq", "ne", "gt", "gte", "lt", "lte", "gt-d", "lt-d"]
    ))  # fmt: skip
    prop = draw(st.sampled_from((*EVENTS, "nothing")))
    value = draw(st.sampled_from([0, 1, 2, "3", 2.5, -1, 4, 10**18]))
    return {"kind": "event", "prop": prop, "op": op, "value": value}


substring_filters = partial(property_filters, ops=SUBSTRING_OPS)
leaves = property_filters() | event_filters()


def _substrings(filter_: dict[str, Any]) -> int:
    return sum(map(_substrings, filter_.get("filters", ()))) + ("in" in filter_.get("op", "")[:3])


def are_affordable(filters: list[dict[str, Any]]) -> bool:
    """Whether one request may have so many filters for substrings."""
    return sum(map(_substrings, filters)) <= MAX_SUBSTRINGS


def grouped(leaves: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """These filters, and groups of them."""
    return st.recursive(
        leaves,
        lambda inner: st.fixed_dictionaries(
            {
                "kind": st.just("group"),
                "filters_op": st.sampled_from(["and", "or"]),
                "filters": st.lists(inner, min_size=1, max_size=3),
            }
        ),
        max_leaves=5,
    ).filter(lambda filter_: are_affordable([filter_]))


filters = grouped(leaves)

COMPANY_PATHS = tuple(path for path in PATHS if path.startswith("company."))
company_filters = grouped(property_filters(COMPANY_PATHS))
