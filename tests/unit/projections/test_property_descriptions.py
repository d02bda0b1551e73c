"""What operators wrote about properties, folded (`projections.properties.descriptions`)."""

from typing import Any

import pytest

from projections.companies.fold import Companies
from schemas.events import PropertyDescribed, decode_company_event, encode
from schemas.properties import Kind
from tests.support.folding import ACCOUNT, AT, IDENTITY, key

STRANGER = "b" * 24


def described(
    prop: str = "plan", at: int = AT, kind: Kind = "profile", account: str = ACCOUNT, **words: Any
) -> PropertyDescribed:
    id_ = IDENTITY.property_id(account, kind, prop)
    return PropertyDescribed(account=account, at=at, id=id_, kind=kind, prop=prop, **words)


def folded(*events: PropertyDescribed) -> Companies:
    companies = Companies(IDENTITY)
    for number, event in enumerate(events):
        companies.apply(key(number), encode(event))
    return companies


@pytest.mark.parametrize("words", [{}, {"name": None}, {"name": "Plan", "description": None}])
def test_what_an_event_says_and_what_it_leaves_out_come_back_from_its_bytes(
    words: dict[str, Any],
) -> None:
    event = described(**words)

    assert decode_company_event(encode(event)) == event


def test_a_description_has_the_times_of_its_first_and_its_last_event() -> None:
    companies = folded(described(name="Plan"), described(at=AT + 5, description="What is paid"))

    (description,) = companies.descriptions.of(ACCOUNT, "profile").values()
    assert (description.name, description.text) == ("Plan", "What is paid")
    assert (description.created, description.updated) == (AT, AT + 5)
    assert companies.descriptions.get(description.id, ACCOUNT) is description


def test_null_ends_what_was_written() -> None:
    companies = folded(
        described(name="Plan", description="What is paid"), described(at=AT + 1, name=None)
    )
    (description,) = companies.descriptions.of(ACCOUNT, "profile").values()
    assert (description.name, description.text) == (None, "What is paid")

    companies.apply(key(2), encode(described(at=AT + 2, description=None)))

    assert companies.descriptions.of(ACCOUNT, "profile") == {}
    assert companies.descriptions.get(description.id, ACCOUNT) is None


def test_the_fold_tells_whether_a_description_is_new() -> None:
    companies = Companies(IDENTITY)
    verdicts = [
        companies.apply(key(number), encode(event))
        for number, event in enumerate(
            [described(name=None), described(name="Plan"), described(name="Tariff")]
        )
    ]

    outcomes = [verdict.outcome for verdict in verdicts if verdict is not None]
    assert outcomes == ["updated", "created", "updated"]


def test_kinds_and_accounts_have_descriptions_of_their_own() -> None:
    companies = folded(
        described(name="Plan"),
        described(kind="company", name="Their plan"),
        described(account=STRANGER, name="Another plan"),
    )

    def names(account: str, kind: Kind) -> list[str | None]:
        return [each.name for each in companies.descriptions.of(account, kind).values()]

    assert names(ACCOUNT, "profile") == ["Plan"]
    assert names(ACCOUNT, "company") == ["Their plan"]
    assert names(STRANGER, "profile") == ["Another plan"]
    assert names(STRANGER, "company") == []
    id_ = IDENTITY.property_id(ACCOUNT, "profile", "plan")
    assert companies.descriptions.get(id_, STRANGER) is None
