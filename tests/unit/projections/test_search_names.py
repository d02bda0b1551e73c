"""Which properties the profiles that are left have (`projections.search.names`)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given

from projections.properties.survey import Survey
from projections.search.documents import Entry, index_document
from projections.search.encoding import account_prefix, name_term
from schemas.errors import Unavailable
from schemas.normalization import normalize
from schemas.properties import NO_PROPERTIES, ValueType
from schemas.timestamps import format_timestamp
from tests.support.search_inputs import NOW, properties
from tests.support.searching import ORIGIN, LocalIndex, complete_index, profile, upsert

A, B, C = ("a" * 24, "b" * 24, "c" * 24)
ACCOUNT, NEIGHBOUR = "0" * 24, "0" * 23 + "1"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[LocalIndex]:
    index = complete_index(tmp_path)
    yield index
    index.close()


def types(index: LocalIndex, account: str = ACCOUNT) -> dict[str, list[ValueType]]:
    found = index.names(account).types()
    return {name: found[name] for name in found if name not in NO_PROPERTIES["profile"]}


def person(id_: str, created: int = NOW, updated: int = NOW, /, **more: Any) -> Entry:
    entry = profile(id_, created, ACCOUNT, **more)
    document = msgspec.json.decode(entry.document) | {"updated_at": format_timestamp(updated)}
    return entry._replace(document=msgspec.json.encode(document))


def test_every_property_is_named_with_all_its_types_in_order(index: LocalIndex) -> None:
    upsert(
        index,
        [
            person(A, plan="gold", address={"city": "Paris"}, tags=[1], note=None),
            person(B, plan=12, seen_at="2029-04-07T12:18:00.000Z", address_book=True, plans=1.5),
        ],
    )

    assert list(types(index).items()) == [
        ("address", ["hash"]),
        ("address.city", ["string"]),
        ("address_book", ["boolean"]),
        ("note", ["null"]),
        ("plan", ["number", "string"]),
        ("plans", ["number"]),
        ("seen_at", ["timestamp"]),
        ("tags", ["array"]),
    ]


def test_what_only_a_deleted_profile_had_is_named_no_more_at_once(index: LocalIndex) -> None:
    upsert(index, [person(A, plan="gold", hobby="chess"), person(B, plan=1)])

    index.delete(A)

    assert types(index) == {"plan": ["number"]}
    index.commit()
    assert types(index) == {"plan": ["number"]}
    assert index.names(ACCOUNT).first_created("hobby", ["string"]) is None


def test_a_changed_profile_has_the_properties_that_it_has_now(index: LocalIndex) -> None:
    upsert(index, [person(A, plan="gold", hobby="chess")])
    upsert(index, [person(A, plan=1)])

    assert types(index) == {"plan": ["number"]}


def test_an_account_whose_id_begins_alike_has_names_of_its_own(index: LocalIndex) -> None:
    assert account_prefix(ACCOUNT) == account_prefix(NEIGHBOUR)
    upsert(index, [person(A, plan="gold"), profile(B, account=NEIGHBOUR, plan=1, hobby="chess")])

    assert types(index) == {"plan": ["string"]}
    assert types(index, NEIGHBOUR) == {"hobby": ["string"], "plan": ["number"]}
    assert index.names(ACCOUNT).holders("hobby", "string", 5) == []
    assert index.names(NEIGHBOUR).newest(5) == [B]


def test_holders_come_in_the_order_of_their_last_change(index: LocalIndex) -> None:
    upsert(
        index,
        [
            person(A, NOW - 9, NOW + 2, plan="gold"),
            person(B, NOW - 8, NOW + 1, plan="gold"),
            person(C, NOW - 7, NOW + 3, plan=1),
        ],
    )
    names = index.names(ACCOUNT)

    assert names.newest(2) == [C, A]
    assert names.holders("plan", "string", 5) == [A, B]
    assert names.holders("plan", "string", 1) == [A]
    assert names.first_created("plan", ["string"]) == NOW - 9
    assert names.first_created("plan", ["number"]) == NOW - 7
    assert names.first_created("plan", ["string", "number"]) == NOW - 9


def test_the_longest_names_are_told_apart(index: LocalIndex) -> None:
    name, other = "é" * 383 + "b", "é" * 383 + "c"
    upsert(index, [person(A, **{name: {other: {name: {other: 1}}}})])

    assert list(types(index)) == [name, f"{name}.{other}", f"{name}.{other}.{name}",
                                  f"{name}.{other}.{name}.{other}"]  # fmt: skip


@given(properties)
def test_a_profile_is_indexed_under_the_names_and_types_that_a_survey_sees(
    sent: dict[str, Any],
) -> None:
    entry = person(A, **normalize(sent, NOW).properties)
    survey = Survey("profile")
    survey.add(msgspec.json.decode(entry.document))

    indexed = set(msgspec.json.decode(index_document(entry))["names"].split())

    place = account_prefix(ACCOUNT)
    seen = {name_term(place + prop, t) for prop, seen in survey.seen.items() for t in seen.types}
    service = {name_term(place + name, "timestamp") for name in ("created_at", "updated_at")}
    assert indexed == seen | service


def test_an_index_that_is_not_complete_names_nothing(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        LocalIndex(tmp_path, ORIGIN).names(ACCOUNT)


def test_tracked_events_are_named_apart_from_properties_and_dated(index: LocalIndex) -> None:
    def tracking(entry: Entry, **last: int) -> Entry:
        tracked = {name: {"count": 1, "last_at": format_timestamp(at)} for name, at in last.items()}
        return entry._replace(tracked=msgspec.json.encode(tracked))

    long = "long_" * 20 + "name"
    there = [
        tracking(person(A, plan=1), signed_in=NOW, imported_leads=NOW - 1, **{long: 5}),
        tracking(person(B, plan=1), signed_in=NOW + 1),
        tracking(profile(C, account=NEIGHBOUR), theirs=NOW),
    ]
    upsert(index, there)

    names = index.names(ACCOUNT)
    assert names.events() == ["imported_leads", long, "signed_in"]
    assert [names.last_tracked(name) for name in names.events()] == [NOW - 1, 5, NOW + 1]
    assert types(index) == {"plan": ["number"]}
    index.delete(A)
    assert index.names(ACCOUNT).events() == ["signed_in"]
