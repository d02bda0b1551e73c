"""Queries, as far as a request line holds them: brackets, filters as JSON, positions, cursors (contract §6, §12)."""

from typing import Final
from urllib.parse import quote

from hypothesis import strategies as st

from tests.fuzz.json_texts import TIMES

_LONGEST_VALUE: Final = 4000  # a request line holds 64 KiB

_PARTS: Final = (
    *("", "0", "1", "2", "00", "-1", "9999999999", "kind", "prop", "op", "value", "filters"),
    *("filters_op", "__proto__", "[", "]", "٣", "a.b", " "),
)
_VALUES: Final = (
    *(
        "property",
        "event",
        "group",
        "eq",
        "in",
        "in-i",
        "in-v",
        "gt-d",
        "ex",
        "and",
        "or",
        "plan",
        "uid",
    ),
    *(
        "company.name",
        "a.b.c.d.e.f",
        "a..b",
        "",
        "null",
        "true",
        "12345678901234567",
        "1e400",
        "all",
        "skip",
    ),
    *(
        "%",
        "\x00",
        "\ud800",
        "ß",
        "e\u0301",
        "[]",
        "{}",
        "[{}]",
        '[{"kind":"group","filters":[]}]',
        "[1e400]",
    ),
)
_SWELLING: Final = (
    "a",
    "[",
    "[0]",
    "9",
    ",",
    "a,",
    "\u0301",
    "\u0301\u0316",
    ".",
    "[[",
    "{",
    '{"a":',
)
MOMENTS: Final = (
    *(
        "2029-04-07T12:18:00.000Z",
        "2029-04-07",
        "0000-00-00",
        "1870256280",
        "1870256280000",
        "-1",
        "1e999",
    ),
    *(
        "$now",
        "+30d",
        "-99999999d",
        "9999-12-31T23:59:59.999Z",
        "0001-01-01",
        "\u0661\u0662",
        "0x10",
        "NaN",
    ),
    *(
        "0:0",
        "1:0",
        "2:0",
        "0:",
        ":0",
        "0:00000000000000000001",
        "0:1,1:1,",
        "99:0",
        "-1:0",
        "0:9999999999999999999",
    ),
    *("0123456789abcdef01234567", "0123456789ABCDEF01234567", "undefined", "null", "", " ", "AAAA"),
    "A" * 36,
    "_" * 36,
)


@st.composite
def _swollen(draw: st.DrawFn) -> str:
    return (draw(st.sampled_from(_SWELLING)) * draw(TIMES))[:_LONGEST_VALUE]


def values() -> st.SearchStrategy[str]:
    return st.one_of(
        st.sampled_from(_VALUES), st.sampled_from(MOMENTS), st.text(max_size=8), _swollen()
    )


@st.composite
def bracketed_names(draw: st.DrawFn) -> str:
    """`filters[0][op]`, and what is nearly one."""
    root = draw(
        st.sampled_from(("filters", "filters", "filters", "expand", "filter", "Filters", "x"))
    )
    parts = draw(st.lists(st.sampled_from(_PARTS), max_size=5))
    brackets = "".join(f"[{part}]" for part in parts)
    return draw(
        st.sampled_from(
            (
                root + brackets,
                root + brackets,
                root + brackets,
                root + brackets[:-1],
                root + "[0]" * 40 + "[op]",
            )
        )
    )


@st.composite
def _right_filters(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Filters that are spelled right, with any values."""
    pairs: list[tuple[str, str]] = []
    for index in range(draw(st.integers(1, 3))):
        place = f"filters[{index}]"
        pairs.append((f"{place}[kind]", draw(st.sampled_from(("property", "event")))))
        pairs.append((f"{place}[prop]", draw(values())))
        pairs.append(
            (f"{place}[op]", draw(st.sampled_from(("eq", "in", "in-v", "gt", "gt-d", "nin-a"))))
        )
        pairs.append((f"{place}[value]", draw(values())))
    return pairs


def pairs() -> st.SearchStrategy[list[tuple[str, str]]]:
    """Names and values of a query."""
    names = st.one_of(
        bracketed_names(),
        bracketed_names(),
        st.sampled_from(
            ("filters", "filters_op", "expand", "limit", "before", "after", "expand[company]")
        ),
    )
    right, any_ = _right_filters(), st.lists(st.tuples(names, values()), max_size=6)
    return st.one_of(any_, right, st.tuples(right, any_).map(lambda both: [*both[0], *both[1]]))


def encoded(given: list[tuple[str, str]], safe: str = "[]") -> str:
    """The pairs as a query string, of ASCII."""
    return "&".join(
        f"{quote(name, safe, errors='surrogatepass')}={quote(value, safe, errors='surrogatepass')}"
        for name, value in given
    )


@st.composite
def query_strings(draw: st.DrawFn) -> str:
    """A query string of such pairs, percent signs and separators not always right."""
    text = encoded(draw(pairs()), draw(st.sampled_from(("[]", "", "[]{}:,"))))
    junk = draw(
        st.sampled_from(
            ("", "", "", "&", "&&=&", "%", "%zz", "%00", "%ff", "+", "=", "#", "?", ";a=b")
        )
    )
    at = draw(st.integers(0, len(text)))
    return text[:at] + junk + text[at:]
