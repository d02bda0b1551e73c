"""What documents show of their properties (`projections.properties.survey`)."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from projections.properties.survey import MAX_VALUES, Survey
from schemas.normalization import normalize
from schemas.properties import type_of
from schemas.timestamps import format_timestamp
from tests.support.search_inputs import NOW, properties


def document(created: int, updated: int, **more: Any) -> dict[str, Any]:
    at = {"created_at": format_timestamp(created), "updated_at": format_timestamp(updated)}
    return {"id": "0" * 24, "uid": "u", **at, **more}


def surveyed(documents: list[dict[str, Any]]) -> Survey:
    survey = Survey("profile")
    for each in documents:
        survey.add(each)
    return survey


def look(survey: Survey) -> dict[str, Any]:
    return {
        prop: (seen.types, seen.values, seen.created, seen.last)
        for prop, seen in survey.seen.items()
    }


def test_a_hash_is_a_property_and_so_is_each_name_in_it() -> None:
    survey = surveyed([document(NOW, NOW, address={"city": "Paris", "geo": {"lat": 1.5}})])

    assert {prop: (seen.types, seen.values) for prop, seen in survey.seen.items()} == {
        "address": ({"hash"}, []),
        "address.city": ({"string"}, ["Paris"]),
        "address.geo": ({"hash"}, []),
        "address.geo.lat": ({"number"}, [1.5]),
    }


def test_who_is_meant_and_what_the_service_sets_is_no_property() -> None:
    survey = surveyed(
        [document(NOW, NOW, email="a@b.c", company_id="1" * 24, percent=1.5, last_cleared_at=None)]
    )
    inner = surveyed([document(NOW, NOW, owner={"email": "a@b.c", "id": 1})])

    assert survey.seen == {}
    assert set(inner.seen) == {"owner", "owner.email", "owner.id"}


def test_values_of_several_types_are_told_apart() -> None:
    sent = [1, True, "1", 1.0, None, ["x"], False, 0]
    survey = surveyed([document(NOW, NOW - n, mixed=value) for n, value in enumerate(sent)])

    seen = survey.seen["mixed"]
    assert seen.types == {"number", "boolean", "string", "null", "array"}
    assert [(type(value), value) for value in seen.values] == [
        (int, 1),
        (bool, True),
        (str, "1"),
        (bool, False),
        (int, 0),
    ]


@given(st.data(), st.lists(st.integers(0, 60), min_size=1, max_size=120))
def test_the_values_are_the_most_recent_distinct_ones(data: st.DataObject, sent: list[int]) -> None:
    documents = [document(NOW, NOW + n, seats=value) for n, value in enumerate(sent)]
    newest_first = list(dict.fromkeys(reversed(sent)))

    survey = surveyed(data.draw(st.permutations(documents)))

    assert survey.seen["seats"].values == newest_first[:MAX_VALUES]
    assert survey.seen["seats"].last == NOW + len(sent) - 1


@given(st.lists(properties, min_size=1, max_size=8), st.data())
def test_a_document_may_come_twice_and_at_any_place(
    sent: list[dict[str, Any]], data: st.DataObject
) -> None:
    documents = [
        document(NOW - n, NOW + n, **normalize(each, NOW).properties) for n, each in enumerate(sent)
    ]
    shuffled = data.draw(st.permutations(documents + data.draw(st.permutations(documents))))

    assert look(surveyed(shuffled)) == look(surveyed(documents))


@given(st.lists(properties, max_size=5))
def test_a_survey_has_what_some_document_has_and_nothing_else(sent: list[dict[str, Any]]) -> None:
    stored = [normalize(each, NOW).properties for each in sent]
    survey = surveyed([document(NOW, NOW, **each) for each in stored])

    for name in {name for each in stored for name in each}:
        values = [each[name] for each in stored if name in each]
        assert survey.seen[name].types == {type_of(value) for value in values}
        assert all(survey.has(name, type_of(value)) for value in values)
        assert all(value in values for value in survey.seen[name].values)
    assert {prop.partition(".")[0] for prop in survey.seen} == {n for each in stored for n in each}
