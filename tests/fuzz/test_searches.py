"""Filters, brackets, positions and cursors: whatever is asked, the log takes nothing (contract §6, §8, §10 to §13)."""

from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import strategies as st

from tests.fuzz.caller import Caller, Sent
from tests.fuzz.encodings import encodings
from tests.fuzz.json_texts import members, mutated, object_of, scalars, texts, values
from tests.fuzz.pieces import Pieces, pieces, separated
from tests.fuzz.queries import MOMENTS, encoded, query_strings
from tests.fuzz.queries import values as query_values
from tests.fuzz.running import fuzz

_SEARCHES: Final = st.sampled_from(
    (
        "/v3/analyze/profiles",
        "/v3/analyze/profiles/count",
        "/v3/analyze/companies",
        "/v3/analyze/companies/count",
    )
)
_OPS: Final = (
    b'"ex"',
    b'"eq"',
    b'"gt"',
    b'"gt-d"',
    b'"in"',
    b'"in-i"',
    b'"in-v"',
    b'"nin-a"',
    b'"EQ"',
    b"1",
)
_KINDS: Final = (b'"property"', b'"property"', b'"event"', b'"Property"', b"null")


@pytest.fixture(scope="module")
def caller(make_caller: Callable[[str], Caller]) -> Caller:
    return make_caller("Searches")


@st.composite
def _filters(draw: st.DrawFn) -> Pieces:
    kind, op = draw(st.sampled_from(_KINDS)), draw(st.sampled_from(_OPS))
    prop = draw(
        st.one_of(st.sampled_from((b'"plan"', b'"uid"', b'"company.name"')).map(pieces), texts())
    )
    value = draw(st.one_of(values(), scalars()))
    more = draw(st.lists(members(), max_size=1))
    shape = [
        pieces(b'"kind":' + kind + b',"op":' + op),
        pieces(b'"prop":') + prop,
        pieces(b'"value":') + value,
    ]
    return object_of([*shape, *more])


def _groups(inner: st.SearchStrategy[Pieces]) -> st.SearchStrategy[Pieces]:
    return st.lists(inner, max_size=3).map(
        lambda each: (
            pieces(b'{"kind":"group","filters_op":"or","filters":[')
            + separated(each, b",")
            + pieces(b"]}")
        )
    )


_NESTING: Final = st.sampled_from((1, 5, 12, 2000)).map(
    lambda times: (
        pieces(b'{"kind":"group","filters":[', times)
        + pieces(b'{"kind":"property","prop":"plan","op":"ex"}')
        + pieces(b"]}", times)
    )
)


@st.composite
def _bodies(draw: st.DrawFn) -> Sent:
    filters = draw(
        st.one_of(
            st.lists(
                st.one_of(_filters(), st.recursive(_filters(), _groups, max_leaves=4), _NESTING),
                max_size=3,
            ).map(lambda each: pieces(b"[") + separated(each, b",") + pieces(b"]")),
            values(),
        )
    )
    name = draw(st.sampled_from((b'"filters":', b'"filters":', b'"filter":')))
    body = object_of([pieces(name) + filters, *draw(st.lists(members(), max_size=1))])
    method = draw(st.sampled_from(("POST", "POST", "GET")))
    return Sent(method, draw(_SEARCHES), draw(mutated(st.just(body))), draw(encodings()))


def test_filters_in_a_body(caller: Caller) -> None:
    def filter_body(sent: Sent) -> None:
        _, taken = caller.ask(sent)
        assert not taken

    long_prop = pieces(b'{"filters":[{"kind":"property","op":"eq","value":1,"prop":"')
    marks = pieces("\u0301\u0316".encode(), 50_000)
    known = [Sent("POST", "/v3/analyze/profiles", long_prop + marks + pieces(b'"}]}'))]
    fuzz(filter_body, _bodies(), examples=40, known=known)


def test_a_bracketed_query(caller: Caller) -> None:
    def bracketed_query(sent: Sent) -> None:
        _, taken = caller.ask(sent)
        assert not taken

    inputs = st.tuples(_SEARCHES, query_strings()).map(lambda each: Sent("GET", "?".join(each)))
    fuzz(bracketed_query, inputs, examples=50)


# ---------------------------------------------------------------------- positions and cursors


_LISTS: Final = (
    ("/v3/analyze/profiles", ("before", "after", "limit")),
    ("/v3/analyze/companies", ("before", "after", "limit")),
    ("/v3/edit/deletions", ("before", "after", "limit")),
    ("/v3/edit/properties?kind=profile", ("after", "limit")),
    ("/v3/analyze/profiles/PROFILE/history", ("before", "limit")),
    ("/v3/analyze/profile?uid=reader", ("as_of", "id", "email")),
    ("/v3/analyze/profiles/PROFILE", ("as_of",)),
)
_IDS: Final = (
    *("/v3/analyze/profiles/{}", "/v3/analyze/profiles/{}/export", "/v3/analyze/companies/{}"),
    *("/v3/edit/deletions/{}", "/v3/edit/properties/{}", "/v3/observe/hooks/batches/{}"),
)
# None that is to come: a read waits for it, which is what it is for.
_POSITIONS: Final = (
    "",
    "HERE",
    "HERE,HERE",
    "HERE,",
    "9:0",
    "0",
    ":",
    "a:b",
    "-1:0",
    "0:-1",
    "0:" + "9" * 40,
    "\u00b2:1",
)


@st.composite
def _positioned(draw: st.DrawFn, profile: str, here: str) -> Sent:
    path, parameters = draw(st.sampled_from(_LISTS))
    value = draw(st.one_of(st.sampled_from(MOMENTS), query_values()))
    query = encoded([(draw(st.sampled_from(parameters)), value)])
    position = draw(st.sampled_from(_POSITIONS)).replace("HERE", here)
    target = f"{path}{'&' if '?' in path else '?'}{query}".replace("PROFILE", profile)
    return Sent("GET", target, headers=(("X-Min-Log-Position", position),) if position else ())


@st.composite
def _named(draw: st.DrawFn) -> Sent:
    value = draw(st.one_of(st.sampled_from(MOMENTS), st.text(max_size=30)))
    return Sent("GET", draw(st.sampled_from(_IDS)).format(encoded([(value, "")], "")[:-1]))


@st.composite
def _resumed(draw: st.DrawFn) -> Sent:
    """A stream that cannot begin: what can begin has no end."""
    value = draw(st.one_of(st.sampled_from(MOMENTS), query_values()).filter(str.strip))
    return Sent("GET", f"/v3/observe/changes?{encoded([('last_event_id', value)])}")


def test_positions_and_cursors(caller: Caller) -> None:
    profile = caller.account.known(uid="reader")
    here = caller.account.upsert(uid="reader", plan="gold").headers["X-Log-Position"]

    def position(sent: Sent) -> None:
        _, taken = caller.ask(sent)
        assert not taken

    inputs = st.one_of(_positioned(profile, here), _positioned(profile, here), _named(), _resumed())
    fuzz(position, inputs, examples=60)
