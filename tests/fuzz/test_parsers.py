"""The parsers alone, without a service: much faster, so these see more (contract §3, §6, §9)."""

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Final

from hypothesis import strategies as st

from api.bodies import as_object, decode_json
from schemas.errors import NotJson, Unprocessable
from schemas.events import ENCODER
from schemas.normalization import InvalidProperty, normalize
from schemas.search.brackets import from_query
from schemas.search.cursors import decode_cursor, encode_cursor
from schemas.search.request import parse_search
from schemas.stream_cursors import decode_stream_cursor, encode_stream_cursor
from tests.fuzz.json_texts import members, mutated, object_of, values
from tests.fuzz.pieces import Pieces, pieces
from tests.fuzz.queries import MOMENTS, pairs
from tests.fuzz.running import fuzz

_NOW: Final = 1_900_000_000_000
_SECONDS: Final = 2.0
"""Of the processor, far above what an input takes: work that grows with the square of its length is seen."""


def _objects() -> st.SearchStrategy[Pieces]:
    return mutated(st.one_of(st.lists(members(), max_size=5).map(object_of), values()))


def _decoded(body: Pieces) -> Mapping[str, object] | None:
    try:
        return as_object(decode_json(body.joined(), object))
    except (NotJson, Unprocessable):
        return None


def test_whatever_is_normalized_can_be_stored_and_stays_as_it_is() -> None:
    def normalization(body: Pieces) -> None:
        began = time.process_time()
        sent = _decoded(body)
        if sent is None:
            return
        try:
            stored = normalize(sent, _NOW)
        except InvalidProperty:
            return
        finally:
            assert time.process_time() - began < _SECONDS
        assert decode_json(ENCODER.encode(stored.properties), object) == stored.properties
        assert normalize(stored.properties, _NOW).properties == stored.properties

    marks = ("\u0301", "\u0301\u0316", "\u1100\u1161")
    names = [pieces(b'{"a') + pieces(each.encode(), 60_000) + pieces(b'":1}') for each in marks]
    fuzz(normalization, _objects(), examples=200, known=names)


def test_a_query_spells_a_search_or_is_refused() -> None:
    def brackets(given: list[tuple[str, str]]) -> None:
        began = time.process_time()
        _search(lambda: from_query(given))
        assert time.process_time() - began < _SECONDS

    fuzz(brackets, pairs(), examples=200)


def test_a_body_spells_a_search_or_is_refused() -> None:
    def filters(body: Pieces) -> None:
        began = time.process_time()
        sent = _decoded(body)
        if sent is not None:
            _search(lambda: sent)
        assert time.process_time() - began < _SECONDS

    fuzz(filters, _objects(), examples=150)


def _search(parameters: Callable[[], Mapping[str, object]]) -> None:
    with contextlib.suppress(Unprocessable):
        parse_search(parameters(), "account", _NOW)


def test_what_was_never_a_cursor_is_none() -> None:
    def cursor(text: str) -> None:
        place = decode_cursor(text, "account")
        assert place is None or encode_cursor(place, "account") == text
        change = decode_stream_cursor(text, "account", "log")
        assert change is None or encode_stream_cursor(change, "account", "log") == text

    texts = st.one_of(st.sampled_from(MOMENTS), st.text(), st.from_regex(r"[\w=-]{12,60}"))
    fuzz(cursor, texts, examples=200)
