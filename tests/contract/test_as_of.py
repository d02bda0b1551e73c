"""Profiles as they were at an earlier time (contract §13)."""

from typing import Any

import pytest

from tests.contract.expectations import assert_error
from tests.support.moments import moment_after
from tests.support.service import PROFILE, Account, marked


def test_a_profile_is_read_as_of_a_time_in_every_form(
    account: Account, uid: str, email: str
) -> None:
    written = account.upsert(uid=uid, email=email, plan="free", company_uid=marked("company"))
    before = account.profile(uid=uid)
    then = moment_after(written)
    account.upsert(uid=uid, plan="gold", seats=3, company_id=None)
    path = f"/v3/analyze/profiles/{before['id']}"

    for named in ({"id": before["id"]}, {"uid": uid}, {"email": email}):
        assert account.profile(**named, as_of=then) == before
        assert account.http.post(PROFILE, json={**named, "as_of": then}).json() == {
            "profile": before
        }
    assert account.http.get(path, params={"as_of": then}).json()["profile"] == before
    assert account.http.post(path, json={"as_of": then}).json()["profile"] == before


def test_a_profile_as_of_now_is_the_profile(account: Account, uid: str) -> None:
    account.known(uid=uid, plan="free")
    account.known(uid=uid, plan="gold")
    account.track(uid=uid, name="a")

    for moment in ("2999-01-01", "$now", account.profile(uid=uid)["updated_at"]):
        assert account.profile(uid=uid, as_of=moment) == account.profile(uid=uid)


def test_a_clear_and_a_lost_email_can_be_looked_behind(
    account: Account, uid: str, email: str
) -> None:
    written = account.upsert(uid=uid, email=email, browser_x=5, last_seen_at="2029-01-01")
    before = account.profile(uid=uid)
    then = moment_after(written)
    account.clear(uid=uid)
    account.known(uid=marked("uid"), email=email)

    assert account.profile(uid=uid)["email"] is None
    assert account.profile(uid=uid, as_of=then) == before


def test_an_expansion_applies_to_the_profile_as_it_was(account: Account, uid: str) -> None:
    one, other = marked("company"), marked("company")
    id_ = account.known(uid=uid, company_uid=one, plan="free")
    then = moment_after(account.upsert(uid=uid, plan="gold"))
    account.upsert(uid=uid, company_uid=other, plan="platinum")
    read = {"uid": uid, "as_of": then}

    assert account.profile(**read)["company"]["uid"] == one
    assert "company" not in account.profile(**read, **{"expand[company]": "skip"})
    little = account.profile(**read, **{"expand[profile]": "min"})
    assert sorted(little) == ["created_at", "id", "uid", "updated_at"]
    assert account.profile(**read, **{"expand[profile]": "skip"}) == {"id": id_}
    for form in ("all", "min"):
        assert_error(account.read(**read, **{"expand[events]": form}), 422, "expand[events]")
    assert account.profile(**read, **{"expand[events]": "skip"})["plan"] == "gold"


def test_a_company_that_is_deleted_is_not_shown_of_earlier_times(
    account: Account, uid: str
) -> None:
    company = marked("company")
    then = moment_after(account.upsert(uid=uid, company_uid=company))
    account.http.delete("/v3/edit/company", params={"uid": company})

    profile = account.profile(uid=uid, as_of=then)

    assert profile.keys().isdisjoint({"company", "company_id"})


def test_a_profile_is_404_as_of_a_time_before_it_was_created(account: Account, uid: str) -> None:
    account.known(uid=uid)
    account.known(uid=uid, plan="gold")

    assert_error(account.read(uid=uid, as_of="2020-01-01"), 404)
    assert_error(account.read(uid=uid, as_of="1700000000"), 404)


@pytest.mark.parametrize("moment", ["", "x", "2029-02-30", "12", "true"])
def test_a_time_that_is_none_is_422(account: Account, uid: str, moment: str) -> None:
    account.known(uid=uid)

    assert_error(account.read(uid=uid, as_of=moment), 422, "as_of")


@pytest.mark.parametrize("moment", [12, True, [], {}, "x"])
def test_a_time_in_a_body_that_is_none_is_422(account: Account, uid: str, moment: Any) -> None:
    id_ = account.known(uid=uid)

    for path, body in ((PROFILE, {"uid": uid}), (f"/v3/analyze/profiles/{id_}", {})):
        answer = account.http.post(path, json={**body, "as_of": moment})
        assert_error(answer, 422, "as_of")
