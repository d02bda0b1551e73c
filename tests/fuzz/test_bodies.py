"""JSON bodies of the hooks: a refusal takes nothing, what is answered is what is taken (contract §3, §4, §10, §11)."""

from collections import Counter
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import strategies as st

from tests.fuzz.caller import Caller, Sent
from tests.fuzz.encodings import PLAIN, Encoding, encodings
from tests.fuzz.json_texts import (
    members,
    mutated,
    names,
    object_of,
    repeated_arrays,
    texts,
    values,
)
from tests.fuzz.pieces import Pieces, pieces, separated
from tests.fuzz.running import fuzz

_HOOKS: Final = "/v3/observe/hooks"
_KINDS: Final = {
    "profiles": "profile-upserted",
    "events": "event-tracked",
    "companies": "company-upserted",
}
_IDENTIFIED: Final = (b'"uid":"a"', b'"uid":17', b'"uid":"b"', b'"email":"a@example.com"')


@pytest.fixture(scope="module")
def caller(make_caller: Callable[[str], Caller]) -> Caller:
    return make_caller("Bodies")


@st.composite
def _items(draw: st.DrawFn) -> Pieces:
    """What a product says of somebody, with anything beside it."""
    known = [pieces(draw(st.sampled_from(_IDENTIFIED)))] if draw(st.integers(0, 4)) else []
    name = [pieces(b'"name":"Imported leads"')] if draw(st.booleans()) else []
    return object_of([*known, *name, *draw(st.lists(members(), max_size=3))])


@st.composite
def _singles(draw: st.DrawFn) -> Sent:
    body = draw(mutated(st.one_of(_items(), _items(), values())))
    kind = draw(st.sampled_from(sorted(_KINDS)))
    headers = draw(st.sampled_from(((), (("Idempotency-Key", "fuzz"),))))
    return Sent("POST", f"{_HOOKS}/{kind}", body, draw(encodings()), headers)


@st.composite
def _batches(draw: st.DrawFn) -> Sent:
    kind = draw(st.sampled_from(sorted(_KINDS)))
    items = draw(
        st.one_of(
            st.lists(st.one_of(_items(), _items(), values()), max_size=5).map(
                lambda each: pieces(b"[") + separated(each, b",") + pieces(b"]")
            ),
            repeated_arrays(),
            values(),
        )
    )
    others = draw(st.lists(st.one_of(members(), _options()), max_size=2))
    name = draw(st.sampled_from((kind, kind, kind, "items", kind.upper())))
    body = object_of([pieces(f'"{name}":'.encode()) + items, *others])
    return Sent("POST", f"{_HOOKS}/{kind}/batch", draw(mutated(st.just(body))), draw(encodings()))


@st.composite
def _options(draw: st.DrawFn) -> Pieces:
    value = draw(
        st.one_of(st.sampled_from((b'"create"', b'"ignore"', b"null")).map(pieces), texts())
    )
    return draw(st.one_of(st.just(pieces(b'"on_model_missing"')), names())) + pieces(b":") + value


def _single(kind: str, body: Pieces) -> Sent:
    return Sent("POST", f"{_HOOKS}/{kind}", body)


def _batch(kind: str, body: Pieces, encoding: Encoding = PLAIN) -> Sent:
    return Sent("POST", f"{_HOOKS}/{kind}/batch", body, encoding)


_GZIP: Final = "gzip"
_KNOWN_SINGLES: Final = (
    _single("profiles", pieces(b'{"uid":"a","x":1e400}')),
    _single("companies", pieces(b'{"uid":"a","x":') + pieces(b"9", 5000) + pieces(b"}")),
    _single(
        "profiles", pieces(b'{"uid":"a","') + pieces("\u0301".encode(), 60_000) + pieces(b'":1}')
    ),
    _single(
        "events",
        pieces(b'{"uid":"a","name":"') + pieces("\u0301\u0316".encode(), 50_000) + pieces(b'"}'),
    ),
    _single("profiles", pieces(b'{"uid":"a","x":') + pieces(b"[", 200_000)),
)
_KNOWN_BATCHES: Final = (
    *(
        _batch(
            kind,
            pieces(f'{{"{kind}":[{{"uid":"a","name":"b"}},{{"uid":"a","x":1e400}}]}}'.encode()),
        )
        for kind in _KINDS
    ),
    _batch("profiles", pieces(b"{} {}")),
    _batch("profiles", pieces(b'{"profiles":["') + pieces(b"\\", 4_000_000) + pieces(b'"')),
    _batch(
        "profiles",
        pieces(b'{"profiles":[1') + pieces(b",1", 300_000) + pieces(b"]}"),
        Encoding(_GZIP, _GZIP),
    ),
    _batch("profiles", pieces(b'{"profiles":[]}'), Encoding(_GZIP, _GZIP, empty_members=50_000)),
)


def test_a_single_write_is_taken_once_or_not_at_all(caller: Caller) -> None:
    def single_body(sent: Sent) -> None:
        answer, taken = caller.ask(sent)
        repeated = bool(sent.headers)
        if answer.is_success:
            type_ = _KINDS[sent.target.removeprefix(f"{_HOOKS}/")]
            assert taken[type_] >= 1 or repeated
            assert taken.total() - taken["company-upserted"] <= 1
        elif (
            answer.status_code != 413
        ):  # what would be too large in sum is in the log, and passed over (§12)
            assert not taken

    fuzz(single_body, _singles(), examples=40, known=_KNOWN_SINGLES)


def test_a_batch_is_taken_as_its_answer_says(caller: Caller) -> None:
    def batch_body(sent: Sent) -> None:
        answer, taken = caller.ask(sent)
        if not answer.is_success:
            assert not taken
            return
        received = answer.json()
        type_ = _KINDS[sent.target.split("/")[4]]
        status = caller.account.http.get(f"{_HOOKS}/batches/{received['batch']['id']}").json()[
            "batch"
        ]
        assert status["received"] == status["accepted"] + status["skipped"] + status["failed"]
        assert status["failed"] == len(received.get("errors", ())) + received.get(
            "errors_left_out", 0
        )
        assert _of_items(taken, type_, sent) == status["accepted"]

    fuzz(batch_body, _batches(), examples=40, known=_KNOWN_BATCHES)


def _of_items(taken: Counter[str], type_: str, sent: Sent) -> int:
    """The events of a batch's items; a company that a profile is the first to name has one too."""
    assert set(taken) <= {type_, "company-upserted", "batch-received"}, sent
    return taken[type_]
