"""Contract §6: how parameters are sent, what is refused, and numbers of any length."""

import json
from typing import Any

import httpx
import pytest

from tests.contract.expectations import assert_error
from tests.support.service import Account, Service, eventually, marked

SEARCH = "/v3/analyze/profiles"
COUNT = f"{SEARCH}/count"
COMPANIES = "/v3/analyze/companies"
COMPANY_COUNT = f"{COMPANIES}/count"
DELETIONS = "/v3/edit/deletions"
CHANGES = "/v3/observe/changes"
ASKED = (SEARCH, COUNT, COMPANIES, COMPANY_COUNT)
LISTS = (*ASKED, DELETIONS, "/v3/edit/properties?kind=profile", "/v3/edit/event_names")
ALPHA = {"kind": "property", "prop": "plan", "op": "eq", "value": "alpha"}
LONG = 12_345_678_901_234_567


@pytest.fixture(scope="module")
def asked(service: Service) -> Account:
    """Three profiles and three companies, of which one has the plan `alpha`, and two tracked events."""
    account = service.create_account("Asking")
    for name, plan in (("first", "alpha"), ("second", "beta"), ("third", "gamma")):
        account.known(uid=name, plan=plan, company_uid=name)
        written = account.http.post("/v3/observe/hooks/companies", json={"uid": name, "plan": plan})
        assert written.is_success
    for event in ("Imported leads", "Signed in"):
        assert account.track(uid="first", name=event).is_success
    eventually(lambda: found(account.http.get(COUNT)) == 3)
    eventually(lambda: len(account.http.get("/v3/edit/event_names").json()["event_names"]) == 2)
    return account


def found(answer: httpx.Response) -> int:
    """How many a list shows, or a count says."""
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body["count"] if "count" in body else len(next(iter(body.values())))


def send(account: Account, method: str, path: str, **more: Any) -> httpx.Response:
    return account.http.request(method, path, **more)


# --- where parameters are


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_parameters_are_in_the_query_or_in_the_body(asked: Account, method: str, path: str) -> None:
    brackets = {f"filters[0][{name}]": value for name, value in ALPHA.items()}

    assert found(send(asked, method, path, json={"filters": [ALPHA]})) == 1
    assert found(send(asked, method, path, params={"filters": json.dumps([ALPHA])})) == 1
    assert found(send(asked, method, path, params=brackets)) == 1
    both = send(asked, method, path, params={"filters_op": "or"}, json={"filters": [ALPHA]})
    assert found(both) == 1
    twice = send(asked, method, path, params=brackets, json={"filters": [ALPHA]})
    assert_error(twice, 422, "filters: send it once")
    body = '{"filters":[{"kind":"property","prop":"plan","op":"ex"}],"filters":[]}'
    assert_error(send(asked, method, path, content=body), 422, "once")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_reads_take_their_parameters_in_the_same_ways(asked: Account, method: str) -> None:
    path = "/v3/analyze/profile"

    for sent in ({"params": {"uid": "first", "id": ""}}, {"json": {"uid": "first", "id": None}}):
        assert send(asked, method, path, **sent).json()["profile"]["plan"] == "alpha"
    expanded = send(asked, method, path, params={"uid": "first", "expand.company": "all"})
    assert expanded.json()["profile"]["company"]["plan"] == "alpha"
    shown = send(asked, method, path, params={"uid": "first"}, json={"expand": {"profile": "min"}})
    assert "plan" not in shown.json()["profile"]
    assert_error(send(asked, method, path, params={"uid": "a"}, json={"uid": "b"}), 422, "uid")
    assert send(asked, method, path, params={"uid": "first", "_": "1"}).status_code == 200


def test_a_secret_may_be_in_the_body_of_a_get(service: Service, asked: Account) -> None:
    body = {"filters": [ALPHA], "account_secret": asked.secret}

    assert found(service.http.request("GET", COUNT, json=body)) == 1
    assert_error(service.http.request("GET", COUNT, json={"filters": 5}), 403)
    assert found(asked.http.get(COUNT, params={"account_secret": asked.secret})) == 3


# --- what is not known


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("name", ["filter", "filter[0][op]", "segment_id", "segment_ids", "page"])
def test_an_unknown_parameter_is_refused_by_its_name(asked: Account, path: str, name: str) -> None:
    url, _, query = path.partition("?")
    known = dict(pair.split("=") for pair in query.split("&") if pair)

    assert_error(asked.http.get(url, params={**known, name: "1"}), 422, f"{name}: no such")
    if path in ASKED:
        assert_error(asked.http.post(url, json={name: None}), 422, f"{name}: no such")
        assert_error(asked.http.post(url, params={name: "1"}, json={}), 422, f"{name}: no such")


@pytest.mark.parametrize("path", ASKED)
def test_a_lone_filter_and_a_list_of_them_are_no_search(asked: Account, path: str) -> None:
    assert_error(asked.http.post(path, json=ALPHA), 422, "send filters, an array of filters")
    assert_error(asked.http.post(path, json=[ALPHA]), 422)
    assert_error(asked.http.post(path, json={"filters": None}), 422, "filters")


def test_a_history_and_a_stream_refuse_what_they_do_not_know(asked: Account) -> None:
    id_ = asked.profile(uid="first")["id"]

    assert_error(asked.http.get(f"{SEARCH}/{id_}/history", params={"after": "x"}), 422, "after")
    assert_error(asked.http.get(CHANGES, params={"type": "profile-upserted"}), 422, "types?")
    assert_error(asked.http.post(CHANGES, json={"lastEventId": "x"}), 422, "Last-Event-ID")


# --- bounds


@pytest.mark.parametrize(("listed", "counted"), [(SEARCH, COUNT), (COMPANIES, COMPANY_COUNT)])
def test_a_count_takes_the_bounds_of_the_list(asked: Account, listed: str, counted: str) -> None:
    records = next(iter(asked.http.get(listed).json().values()))
    middle, time = records[1]["id"], records[1]["created_at"]

    for bounds in (
        {"before": middle},
        {"after": middle},
        {"before": records[0]["id"], "after": records[2]["id"]},
        {"before": records[2]["id"], "after": records[0]["id"]},
        {"after": time, "before": "2999-01-01"},
        {"after": "2999-01-01"},
        {"before": None, "after": "", "limit": ""},
    ):
        for more in ({}, {"filters": [{**ALPHA, "op": "ne"}]}):
            expected = found(asked.http.post(listed, json={**bounds, **more}))
            assert found(asked.http.post(counted, json={**bounds, **more})) == expected
    on_company = {"filters": [{**ALPHA, "prop": "company.plan"}], "after": "2000-01-01"}
    assert found(asked.http.post(COUNT, json=on_company)) == 1
    assert_error(asked.http.get(counted, params={"before": "nothing"}), 422, "before")


def test_blank_bounds_were_not_sent(asked: Account) -> None:
    for path in (SEARCH, COMPANIES):
        assert found(asked.http.get(path, params={"limit": "", "before": "", "after": ""})) == 3
        assert found(asked.http.post(path, json={"limit": None, "before": None})) == 3
    assert found(asked.http.get(DELETIONS, params={"limit": "", "before": ""})) == 0


def test_a_saved_filter_is_taken_as_it_is(asked: Account) -> None:
    saved = {**ALPHA, "id": "5f3c4232c712de665632a6d8", "created_at": "2029-04-07", "mod": None}

    assert found(asked.http.post(SEARCH, json={"filters": [saved], "filters_op": None})) == 1
    assert_error(asked.http.post(SEARCH, json={"filters": [{**saved, "mod": "gte"}]}), 422)


# --- numbers of many digits


def test_a_long_number_is_found_however_it_is_stored_and_asked_for(service: Service) -> None:
    account = service.create_account("Long numbers")
    values = (LONG, str(LONG), LONG + 1, 2**64 + 1, str(2**64 + 1))
    for uid, value in enumerate(values):
        account.known(uid=uid, order_id=value, orders=[value], company_uid=uid)
        company = {"uid": uid, "order_id": value}
        assert account.http.post("/v3/observe/hooks/companies", json=company).is_success
    eventually(lambda: found(account.http.get(COUNT)) == len(values))

    def uids(op: str, value: object, prop: str = "order_id", path: str = SEARCH) -> set[int]:
        filter_ = {"kind": "property", "prop": prop, "op": op, "value": value}
        brackets = {f"filters[0][{name}]": str(each) for name, each in filter_.items()}
        answers = [
            account.http.post(path, json={"filters": [filter_]}),
            account.http.get(path, params=brackets),
        ]
        shown = [{each["uid"] for each in next(iter(one.json().values()))} for one in answers]
        assert shown[0] == shown[1], answers[0].text
        return shown[0]

    for path, prop in ((SEARCH, "order_id"), (SEARCH, "company.order_id"), (COMPANIES, "order_id")):
        for long in (LONG, str(LONG)):
            assert uids("eq", long, prop, path) == {0, 1}
            assert uids("ne", long, prop, path) == {2, 3, 4}
            assert uids("gt", long, prop, path) == {2, 3, 4}
            assert uids("lte", long, prop, path) == {0, 1}
        assert uids("in-v", f"x,{LONG + 1}, {2**64 + 1}", prop, path) == {2, 3, 4}
        assert uids("eq", 2**64, prop, path) == set()
        assert uids("gt", 5, prop, path) == {0, 1, 2, 3, 4}
    assert uids("in-a", str(LONG), "orders") == {0, 1}
    assert uids("in-a", 2**64 + 1, "orders") == {3, 4}


# --- lists of the product

EMPTY = ("segments", "searches", "tours", "surveys", "launchers", "tooltips", "embeds", "tags",
         "deliveries", "responses", "interactions")  # fmt: skip


@pytest.mark.parametrize("prefix", ["/v3/edit", "/v3/analyze"])
def test_what_there_is_nothing_of_is_an_empty_list(
    service: Service, asked: Account, prefix: str
) -> None:
    for name in EMPTY:
        answer = asked.http.get(f"{prefix}/{name}", params={"limit": 1})
        assert answer.json() == {name: [], "cursor": {"limit": 50}}
        assert_error(service.http.get(f"{prefix}/{name}"), 403)
    assert_error(asked.http.get(f"{prefix}/nothings"), 404)


def test_event_names_are_those_of_the_tracked_events(
    service: Service, asked: Account, stranger: Account
) -> None:
    answer = asked.http.get("/v3/edit/event_names")
    first, second = answer.json()["event_names"]

    assert (first["uid"], first["name"], first["kind"]) == (
        "imported_leads",
        "Imported leads",
        "tracked",
    )
    assert second["last_seen_at"] == asked.tracked(uid="first")["signed_in"]["last_at"]
    assert answer.json()["cursor"] == {"limit": 50}
    page = asked.http.get("/v3/analyze/event_names", params={"limit": 1}).json()
    assert page == {"event_names": [first], "cursor": {"limit": 1, "before": "imported_leads"}}
    rest = asked.http.get("/v3/edit/event_names", params={**page["cursor"]}).json()
    assert rest == {"event_names": [second], "cursor": {"limit": 1}}
    theirs = stranger.http.get("/v3/edit/event_names").json()["event_names"]
    assert first["id"] not in [each["id"] for each in theirs]
    assert_error(service.http.get("/v3/edit/event_names"), 403)


def test_a_name_that_only_a_forgotten_user_tracked_is_gone_at_once(account: Account) -> None:
    name = marked("event").replace("-", "_").lower()

    def names() -> list[str]:
        answer = account.http.get("/v3/edit/event_names", params={"limit": 500})
        return [each["uid"] for each in answer.json()["event_names"]]

    uid = marked("uid")
    account.track(uid=uid, name=name)
    eventually(lambda: name in names())

    assert account.forget(uid=uid).is_success

    assert name not in names()


# --- the loop


@pytest.mark.parametrize(
    "pairs",
    [
        {"filters" + "[0]" * 5_000: "1"},
        {"[" * 18_000: "1"},
        {f"filters[{'9' * 50_000}][op]": "1"},
        {"filters": "[" * 18_000},
        {"f" * 50_000: "1"},
        {"limit": "9" * 50_000},
        {"before": "A" * 50_000},
        {"filters[0][" + "x" * 50_000 + "]": "1"},
    ],
)
def test_long_brackets_and_names_are_refused(asked: Account, pairs: dict[str, str]) -> None:
    answer = asked.http.get(SEARCH, params=pairs)

    assert answer.status_code in (414, 422)
    assert len(answer.content) < 2000
