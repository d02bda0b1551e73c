"""Contract §12: the history of a profile, the profile as it was, and all that is held about its user."""

from typing import Any

import httpx
import pytest

from tests.contract.expectations import UNKNOWN_ID, assert_error
from tests.support.moments import moment_after
from tests.support.service import UPSERT, Account, Service, marked


def history(account: Account, id_: str, **page: object) -> dict[str, Any]:
    answer = account.http.get(f"/v3/analyze/profiles/{id_}/history", params=_query(page))
    assert answer.status_code == 200, answer.text
    return answer.json()


def events(account: Account, id_: str) -> list[dict[str, Any]]:
    """All events, the newest first."""
    return history(account, id_, limit=500)["events"]


def changes(account: Account, id_: str) -> list[tuple[str, dict[str, Any]]]:
    """(type, changes) of all events, the newest first."""
    return [(event["type"], event["changes"]) for event in events(account, id_)]


def export(account: Account, id_: str) -> dict[str, Any]:
    answer = account.http.get(f"/v3/analyze/profiles/{id_}/export")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert list(answer.json()) == ["export"]
    return answer.json()["export"]


def _query(given: dict[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in given.items()}


# --- history


def test_a_history_tells_each_event_the_newest_first(account: Account, uid: str) -> None:
    created = account.upsert(uid=uid, plan="free")
    id_ = created.json()["profile"]["id"]
    updated = account.upsert(uid=uid, plan="gold", seats=3)

    page = history(account, id_)

    assert list(page) == ["events", "cursor"]
    assert page["cursor"] == {"limit": 50}
    newest, oldest = page["events"]
    assert list(newest) == ["id", "type", "at", "position", "changes"]
    assert newest["type"] == oldest["type"] == "profile-upserted"
    assert newest["changes"] == {"plan": ["free", "gold"], "seats": [None, 3]}
    assert oldest["changes"] == {"plan": [None, "free"]}
    profile = account.profile(uid=uid)
    assert (oldest["at"], newest["at"]) == (profile["created_at"], profile["updated_at"])
    for event, answer in ((oldest, created), (newest, updated)):
        partition, offset = answer.headers["X-Log-Position"].split(":")
        assert event["position"] == {"partition": int(partition), "offset": int(offset)}
    assert len({event["id"] for event in page["events"]}) == 2


def test_every_kind_of_event_is_told_with_what_it_changed(
    account: Account, uid: str, email: str
) -> None:
    company = marked("company")
    id_ = account.known(uid=uid, email=email, company_uid=company, browser_k="mobile")
    company_id = account.profile(id=id_)["company_id"]
    percent = account.profile(id=id_)["percent"]
    account.upsert(uid=uid, role=None)
    account.upsert(uid=uid, role="$unset", plan={"a": [1, True]})
    account.track(uid=uid, name="a")
    account.known(uid=marked("uid"), email=email)
    account.http.delete("/v3/edit/company", params={"uid": company})
    account.clear(uid=uid)

    now = account.profile(id=id_)
    assert changes(account, id_) == [
        (
            "profile-cleared",
            {
                "browser_k": ["mobile", None],
                "percent": [percent, now["percent"]],
                "last_cleared_at": [None, now["last_cleared_at"]],
            },
        ),
        ("profile-company-left", {"company_id": [company_id, None]}),
        ("profile-email-released", {"email": [email, None]}),
        ("event-tracked", {}),
        ("profile-upserted", {"role": [None, None], "plan": [None, {"a": [1, True]}]}),
        ("profile-upserted", {"role": [None, None]}),
        (
            "profile-upserted",
            {
                "email": [None, email],
                "company_id": [None, company_id],
                "browser_k": [None, "mobile"],
            },
        ),
    ]


def test_a_request_that_is_repeated_is_one_event(account: Account, uid: str) -> None:
    key = marked("key")
    for _ in range(2):
        account.keyed(key, UPSERT, {"uid": uid, "plan": "gold"})
    account.upsert(uid=uid, plan="gold")

    assert changes(account, account.profile(uid=uid)["id"]) == [
        ("profile-upserted", {}),
        ("profile-upserted", {"plan": [None, "gold"]}),
    ]


def test_a_uid_that_changes_its_type_is_told(account: Account) -> None:
    id_ = account.known(uid=99_000_111)
    account.known(uid="99000111")

    assert changes(account, id_)[0] == ("profile-upserted", {"uid": [99_000_111, "99000111"]})


def test_pages_join_to_the_whole_history_whatever_is_written_meanwhile(
    account: Account, uid: str
) -> None:
    id_ = account.known(uid=uid, step=0)
    items = [{"uid": uid, "step": n, f"p{n % 7}": n} for n in range(1, 300)]
    account.applied(account.batch(items))
    whole = events(account, id_)
    assert [event["changes"]["step"] for event in whole[:-1]] == [
        [n - 1, n] for n in range(299, 0, -1)
    ]

    joined: list[dict[str, Any]] = []
    before: dict[str, str] = {}
    while True:
        page = history(account, id_, limit=37, **before)
        joined += page["events"]
        assert page["cursor"]["limit"] == 37
        if "before" not in page["cursor"]:
            break
        assert len(page["events"]) == 37
        before = {"before": page["cursor"]["before"]}
        account.upsert(uid=uid, step=-1, p3="later")

    assert joined == whole


def test_a_page_of_large_events_ends_early_and_goes_on(account: Account, uid: str) -> None:
    id_ = account.known(uid=uid, large=["a" * 700] * 1400)
    for letter in "bcdef":
        account.known(uid=uid, large=[letter * 700] * 1400)

    first = history(account, id_)
    rest = history(account, id_, before=first["cursor"]["before"])

    assert 0 < len(first["events"]) < 6
    assert "before" not in rest["cursor"]
    assert [*first["events"], *rest["events"]] == export(account, id_)["history"]
    assert len(export(account, id_)["history"]) == 6


def test_a_history_before_a_time_begins_with_what_was_earlier(account: Account, uid: str) -> None:
    created = account.upsert(uid=uid, step=0)
    id_ = created.json()["profile"]["id"]
    moment_after(created)
    moment_after(account.upsert(uid=uid, step=1))
    account.upsert(uid=uid, step=2)
    newest, middle, oldest = events(account, id_)

    assert history(account, id_, before=newest["at"])["events"] == [middle, oldest]
    assert history(account, id_, before=middle["at"])["events"] == [oldest]
    assert history(account, id_, before=oldest["at"])["events"] == []
    assert history(account, id_, before="2999-01-01")["events"] == [newest, middle, oldest]


@pytest.mark.parametrize(
    "page", [{"limit": 0}, {"limit": 501}, {"limit": "x"}, {"before": "x"}, {"before": "0:1,1:1"}]
)
def test_a_bad_page_is_422_and_named(account: Account, uid: str, page: dict[str, object]) -> None:
    path = f"/v3/analyze/profiles/{account.known(uid=uid)}/history"

    assert_error(account.http.get(path, params=_query(page)), 422, next(iter(page)))


def test_a_position_in_another_partition_is_422(account: Account, uid: str) -> None:
    id_ = account.known(uid=uid)
    other = (events(account, id_)[0]["position"]["partition"] + 1) % 3

    answer = account.http.get(
        f"/v3/analyze/profiles/{id_}/history", params={"before": f"{other}:0"}
    )

    assert_error(answer, 422, "before")


def test_a_history_waits_for_the_position_that_it_is_asked_for(account: Account, uid: str) -> None:
    written = account.upsert(uid=uid)
    path = f"/v3/analyze/profiles/{written.json()['profile']['id']}"
    position = {"X-Min-Log-Position": written.headers["X-Log-Position"]}

    for url in (f"{path}/history", f"{path}/export", f"{path}?as_of=2999-01-01"):
        assert account.http.get(url, headers=position).status_code == 200
        assert_error(account.http.get(url, headers={"X-Min-Log-Position": "x"}), 422)


# --- export


def test_an_export_holds_everything_about_the_user(account: Account, uid: str, email: str) -> None:
    company = marked("company")
    account.http.post("/v3/observe/hooks/companies", json={"uid": company, "tier": 1})
    id_ = account.known(uid=uid, email=email, company_uid=company, plan="free")
    account.known(uid=uid, plan="gold")
    for n in range(45):
        account.track(uid=uid, name=f"step {n}", n=n)
    account.track(uid=uid, name="step 0", n=0)

    held = export(account, id_)

    assert list(held) == ["profile", "history", "events", "company"]
    assert held["profile"] == account.profile(id=id_, **{"expand[company]": "skip"})
    assert held["history"] == events(account, id_)
    assert held["events"] == account.tracked(id=id_)
    assert len(held["events"]) == 45
    answer = account.http.get("/v3/analyze/company", params={"uid": company})
    assert held["company"] == answer.json()["company"]


def test_an_export_of_who_has_little_is_whole_too(account: Account, uid: str) -> None:
    id_ = account.known(uid=uid)

    held = export(account, id_)

    assert held["profile"] == account.profile(id=id_)
    assert (held["events"], held["company"]) == ({}, None)
    assert [event["changes"] for event in held["history"]] == [{}]


def test_an_export_is_cut_off_when_the_user_is_forgotten_meanwhile(
    service: Service, account: Account, uid: str
) -> None:
    # More than the buffers between the service and a client that does not read.
    filling = "x" * 700
    items = [{"uid": uid, "a": f"{n}{filling}", "b": f"{n}{filling}"} for n in range(9000)]
    account.applied(account.batch(items))
    id_ = account.profile(uid=uid)["id"]

    with account.http.stream("GET", f"/v3/analyze/profiles/{id_}/export") as answer:
        assert answer.status_code == 200
        assert account.forget(id=id_).is_success
        with pytest.raises(httpx.TransportError):
            answer.read()
    assert "ASGI" not in service.log


# --- who may see it


def paths(id_: str) -> list[str]:
    return [
        f"/v3/analyze/profiles/{id_}/history",
        f"/v3/analyze/profiles/{id_}/export",
        f"/v3/analyze/profiles/{id_}?as_of=2999-01-01",
    ]


def test_after_a_forget_all_of_it_is_404_of_an_earlier_time_too(account: Account, uid: str) -> None:
    written = account.upsert(uid=uid, plan="gold")
    id_, then = written.json()["profile"]["id"], moment_after(written)
    account.forget(uid=uid)

    for path in [*paths(id_), f"/v3/analyze/profiles/{id_}?as_of={then}"]:
        assert_error(account.http.get(path), 404)
    assert_error(account.read(uid=uid, as_of=then), 404)
    again = account.known(uid=uid)
    assert_error(account.read(uid=uid, as_of=then), 404)
    assert changes(account, again) == [("profile-upserted", {})]
    assert_error(account.http.get(paths(id_)[0]), 404)


def test_another_account_and_nobody_known_are_404(
    account: Account, stranger: Account, uid: str
) -> None:
    id_ = account.known(uid=uid)

    for path in paths(id_):
        assert_error(stranger.http.get(path), 404)
    for path in [*paths(UNKNOWN_ID), *paths("nobody")]:
        assert_error(account.http.get(path), 404)


def test_it_needs_a_secret(service: Service, account: Account, uid: str) -> None:
    id_ = account.known(uid=uid)

    for path in paths(id_):
        assert_error(service.http.get(path), 403)
        assert_error(service.http.get(path, headers={"X-Account-Secret": marked("secret")}), 403)
        join = "&" if "?" in path else "?"
        answer = service.http.get(f"{path}{join}account_secret={account.secret}")
        assert answer.status_code == 200
