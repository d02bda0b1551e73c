"""What properties are called, and of which types their values are (contract §10)."""

import pytest
from hypothesis import given

from schemas.normalization import normalize
from schemas.properties import KINDS, Kind, ValueType, parse_prop, spelled, type_of
from tests.support.search_inputs import NOW, properties


@pytest.mark.parametrize(
    ("value", "type_"),
    [
        ("gold", "string"),
        ("2029-04-07T12:18:00.000Z", "timestamp"),
        ("2029-02-30T12:18:00.000Z", "string"),
        (True, "boolean"),
        (1, "number"),
        (1.5, "number"),
        (None, "null"),
        ([], "array"),
        ({}, "hash"),
    ],
)
def test_each_stored_value_has_a_type(value: object, type_: ValueType) -> None:
    assert type_of(value) == type_


@pytest.mark.parametrize(
    ("prop", "name"),
    [
        ("feature_announcements", "Feature announcements"),
        ("address.zip_code", "Address zip code"),
        ("01_onboarding", "01 onboarding"),
        ("née", "Née"),
        ("p", "P"),
    ],
)
def test_a_property_is_called_by_its_words(prop: str, name: str) -> None:
    assert spelled(prop) == name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("sent", "prop"),
    [
        ("Feature Announcements!", "feature_announcements"),
        ("address.zipCode", "address.zip_code"),
        ("a.b.c.d", "a.b.c.d"),
        ("a.b.c.d.e", None),
        ("a..b", None),
        ("🚧", None),
        ("", None),
        (7, None),
        (None, None),
        ("createdAt", None),
        ("uid", None),
        ("companyId", None),
        ("company_uid", None),
    ],
)
def test_a_prop_is_normalized_like_a_sent_name(sent: object, prop: str | None, kind: Kind) -> None:
    assert parse_prop(sent, kind) == prop


def test_an_email_is_a_property_of_companies_alone() -> None:
    assert parse_prop("email", "company") == "email"
    assert parse_prop("email", "profile") is None


@given(properties)
def test_every_stored_name_can_be_described(sent: dict[str, object]) -> None:
    for name in normalize(sent, NOW).properties:
        assert parse_prop(name, "profile") == name
