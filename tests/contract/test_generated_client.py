"""A client generated from the OpenAPI document loses nothing, in either direction (contract §13)."""

import json
import sys
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.support.generated_client import GeneratedClient, generate
from tests.support.service import Account, Service, eventually, marked, marked_email

PROPERTIES: Final[dict[str, Any]] = {
    "plan": "gold",
    "seats": 12,
    "ratio": 0.5,
    "is_beta": True,
    "nothing": None,
    "tags": ["a", 2, False],
    "address": {"city": "Zürich", "geo": {"lat": 47.4}},
}


@pytest.fixture(scope="module")
def client(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GeneratedClient]:
    """The generated client of an account of its own; the generator had nothing to warn of."""
    folder = tmp_path_factory.mktemp("client")
    printed = generate(service.http.get("/schema/openapi.json").json(), folder)
    assert "warning" not in printed.lower()
    owner: Account = service.create_account("Generated client")
    sys.path.insert(0, str(folder))
    made = GeneratedClient(service.url, owner.secret)
    yield made
    made.close()
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.startswith("generated_profilelog_client")]:
        del sys.modules[name]


def _upserted(client: GeneratedClient, uid: str, **sent: object) -> str:
    body = client.model("ProfileUpsert").from_dict({"uid": uid, **sent})
    return client.call("hooks.upsert_profile", body=body).profile.id


def _read(client: GeneratedClient, uid: str) -> dict[str, Any]:
    return client.call("profiles.read_profile", uid=uid).profile.to_dict()


def test_a_profile_keeps_its_custom_properties_in_both_directions(
    client: GeneratedClient, uid: str, email: str
) -> None:
    upsert = client.model("ProfileUpsert")(uid=uid, email=email)
    upsert.additional_properties = dict(PROPERTIES)

    written = client.call("hooks.upsert_profile", body=upsert)
    read = client.call("profiles.read_profile_by_id", profile_id=written.profile.id).profile

    assert client.sent[-2] == {"uid": uid, "email": email, **PROPERTIES}
    assert read.uid == uid
    assert read.email == email
    assert read.additional_properties == PROPERTIES


def test_an_update_sends_nothing_that_its_caller_did_not_set(
    client: GeneratedClient, uid: str, email: str
) -> None:
    _upserted(client, uid, email=email, company_uid="acme", plan="free")

    _upserted(client, uid, plan="gold")

    assert client.sent[-1] == {"uid": uid, "plan": "gold"}
    read = _read(client, uid)
    assert (read["plan"], read["email"]) == ("gold", email)
    assert read["company"]["uid"] == "acme"


def test_what_is_null_and_what_is_unset_is_sent(
    client: GeneratedClient, uid: str, email: str
) -> None:
    _upserted(client, uid, email=email, company_uid="acme", plan="free", seats=3)

    _upserted(client, uid, plan=None, seats="$unset", company_uid="$unset")

    read = _read(client, uid)
    assert read["plan"] is None
    assert "seats" not in read
    assert "company" not in read


@pytest.mark.parametrize("uid", [18821, marked("uid")])
def test_a_uid_is_an_integer_or_a_text(client: GeneratedClient, uid: int | str) -> None:
    body = client.model("ProfileUpsert")(uid=uid)
    id_ = client.call("hooks.upsert_profile", body=body).profile.id

    assert client.call("profiles.read_profile_by_id", profile_id=id_).profile.uid == uid


def test_a_batch_made_from_a_dictionary_keeps_emails_and_companies(
    client: GeneratedClient, uid: str, email: str
) -> None:
    _upserted(client, uid, email=email, company_uid="acme")
    items = [{"uid": uid, **PROPERTIES}, {"plan": "of nobody"}]
    batch = client.model("ProfileBatch").from_dict({"profiles": items})

    received = client.call("hooks.upsert_profiles", body=batch)

    assert client.sent[-1] == {"profiles": items}
    assert [(error.code, error.index) for error in received.errors] == [(422, 1)]
    status = eventually(
        lambda: next(
            (
                each
                for each in [client.call("hooks.read_batch", batch_id=received.batch.id).batch]
                if each.applied
            ),
            None,
        )
    )
    assert (status.received, status.accepted, status.failed) == (2, 1, 1)
    read = _read(client, uid)
    assert {name: read[name] for name in PROPERTIES} == PROPERTIES
    assert read["email"] == email
    assert read["company"]["uid"] == "acme"


def test_events_keep_their_properties(client: GeneratedClient, uid: str) -> None:
    _upserted(client, uid)
    event = client.model("TrackedEvent")(name="Imported leads", uid=uid)
    event.additional_properties = {"count": 3, "source": {"file": "a.csv"}}

    client.call("hooks.track_event", body=event)

    all_ = client.model("Form").ALL
    read = client.call("profiles.read_profile", uid=uid, expandevents=all_).profile
    (last,) = read.additional_properties["events"]["imported_leads"]["last"]
    assert last["properties"] == {"count": 3, "source": {"file": "a.csv"}}
    exported = client.call("history.export_profile", profile_id=read.id).export
    (occurrence,) = exported.events["imported_leads"].last
    assert occurrence.properties.additional_properties == {"count": 3, "source": {"file": "a.csv"}}


def test_companies_keep_their_properties(client: GeneratedClient, uid: str) -> None:
    company = client.model("CompanyUpsert")(uid=uid)
    company.additional_properties = {"industry": "tea", "sites": ["Basel"]}

    client.call("companies.upsert_company", body=company)

    read = client.call("companies.read_company", uid=uid).company
    assert read.additional_properties == {"industry": "tea", "sites": ["Basel"]}
    page = client.call("companies.search_companies_for_body", body=client.model("Search")(limit=1))
    assert page.companies[0].to_dict() == read.to_dict()


def test_filters_are_models_and_find_whole_profiles(client: GeneratedClient, uid: str) -> None:
    plan = marked()
    ids = {_upserted(client, f"{uid}-{n}", plan=plan, seats=n) for n in range(3)}
    model = client.model
    op = model("PropertyFilterOp")
    same_plan = model("PropertyFilter")("property", "plan", op.EQ, value=plan)
    few_seats = model("PropertyFilter")("property", "seats", op.LT, value=2)
    none = model("PropertyFilter")("property", "missing", op.EX)
    either = model("GroupFilter")("group", [few_seats, none], filters_op=model("FiltersOp").OR)
    eventually(lambda: _found(client, [same_plan]) == ids)

    page = client.call(
        "profiles.search_profiles_for_body", body=model("Search")(filters=[same_plan, either])
    )

    assert sorted(each.additional_properties["seats"] for each in page.profiles) == [0, 1]
    counted = client.call(
        "profiles.count_profiles_for_body", body=model("Count")(filters=[same_plan, either])
    )
    assert counted.count == 2
    as_json = json.dumps([same_plan.to_dict(), either.to_dict()])
    assert client.call("profiles.count_profiles", filters=as_json).count == 2


def test_clear_and_forget(client: GeneratedClient, uid: str) -> None:
    id_ = _upserted(client, uid, browser_x=3, plan="gold")

    cleared = client.call("edits.clear_profile", uid=uid).profile
    forgotten = client.call("edits.forget_profile", uid=uid)

    assert cleared.browser_x is None
    assert cleared.additional_properties["plan"] == "gold"
    assert forgotten.profile.id == id_
    receipt = client.call("edits.read_deletion", deletion_id=forgotten.deletion.id).deletion
    assert receipt.status.value in {"accepted", "tombstoned", "purged"}
    assert client.call("profiles.read_profile", uid=uid).code == 404


def test_forget_many_and_the_history_until_then(client: GeneratedClient) -> None:
    uids = [marked("uid"), marked("uid")]
    id_ = _upserted(client, uids[0], plan="free")
    _upserted(client, uids[0], plan="gold")
    _upserted(client, uids[1], email=marked_email())

    newest = client.call("history.read_history", profile_id=id_).events[0]
    body = client.model("ToForget").from_dict({"profiles": [{"uid": uid} for uid in uids]})
    forgotten = client.call("edits.forget_profiles", body=body)

    assert newest.changes.additional_properties["plan"] == ["free", "gold"]
    assert len(forgotten.deletions) == 2
    assert client.call("history.read_history", profile_id=id_).code == 404


def _found(client: GeneratedClient, filters: list[Any]) -> set[str]:
    body = client.model("Search")(filters=filters)
    return {
        each.id for each in client.call("profiles.search_profiles_for_body", body=body).profiles
    }
