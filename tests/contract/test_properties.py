"""Contract §10: which properties there are, and what is written about them."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.contract.expectations import UNKNOWN_ID, assert_error, is_id, is_timestamp
from tests.support.service import Account, Service, eventually, marked, marked_email

PROPERTIES = "/v3/edit/properties"
COMPANY = "/v3/observe/hooks/companies"

FIELDS = {
    "id", "name", "prop", "kind", "description", "types", "values", "created_at", "updated_at",
    "last_seen_at",
}  # fmt: skip


@pytest.fixture(scope="module")
def owner(service: Service) -> Account:
    """An account of its own: what an account's properties are depends on all of its profiles."""
    return service.create_account("Properties")


@pytest.fixture
def prop() -> str:
    """A name that nobody has sent, as it is stored."""
    return marked("prop").lower().replace("-", "_")


def ask(account: Account, **parameters: str | int) -> httpx.Response:
    return account.http.get(PROPERTIES, params=parameters)


def listed(account: Account, kind: str = "profile") -> dict[str, dict[str, Any]]:
    """The account's properties by their names."""
    answer = ask(account, kind=kind)
    assert answer.status_code == 200, answer.text
    return {each["prop"]: each for each in answer.json()["properties"]}


def seen(account: Account, prop: str, **wanted: object) -> dict[str, Any]:
    """The property once it is listed, and as wanted: a search, and so this, follows within a second."""

    def look() -> dict[str, Any] | None:
        found = listed(account).get(prop)
        is_it = found is not None and wanted.items() <= found.items()
        return found if is_it else None

    return eventually(look)


def describe(account: Account, **body: object) -> httpx.Response:
    return account.http.post(PROPERTIES, json=body)


def change(account: Account, id_: str, body: Mapping[str, object]) -> httpx.Response:
    return account.http.put(f"{PROPERTIES}/{id_}", json=body)


def one(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    return answer.json()["property"]


def push(account: Account, **parameters: object) -> str:
    answer = account.http.post(COMPANY, json=parameters)
    assert answer.is_success, answer.text
    return answer.json()["company"]["id"]


# --- what there is


def test_a_property_shows_its_name_its_types_its_values_and_its_times(
    owner: Account, uid: str, prop: str
) -> None:
    owner.known(uid=uid, **{prop: "gold"})
    profile = owner.profile(uid=uid)

    shown = seen(owner, prop)

    assert shown.keys() == FIELDS
    assert is_id(shown["id"])
    words = prop.replace("_", " ")
    assert shown["name"] == words[0].upper() + words[1:]
    assert (shown["kind"], shown["types"], shown["values"]) == ("profile", ["string"], ["gold"])
    assert shown["description"] is None
    assert shown["created_at"] == shown["updated_at"] == profile["created_at"]
    assert shown["last_seen_at"] == profile["updated_at"]
    assert one(owner.http.get(f"{PROPERTIES}/{shown['id']}")) == shown


def test_values_are_the_last_distinct_ones_of_every_type(owner: Account, prop: str) -> None:
    sent = ["a", "b", "a", 1, 1.0, True, "2029-04-07", None, ["x"], {"in": "x"}]
    for value in sent:
        owner.known(uid=marked("uid"), **{prop: value})

    types = ["string", "number", "boolean", "timestamp", "array", "hash", "null"]
    shown = seen(owner, prop, types=types)

    assert shown["values"] == ["2029-04-07T00:00:00.000Z", True, 1, "a", "b"]
    assert seen(owner, f"{prop}.in")["values"] == ["x"]


def test_at_most_ten_values_are_shown_the_newest_first(owner: Account, prop: str) -> None:
    for n in range(12):
        owner.known(uid=marked("uid"), **{prop: n})

    assert seen(owner, prop, values=list(range(11, 1, -1)))


def test_a_property_that_one_of_many_profiles_has_is_listed(owner: Account, prop: str) -> None:
    first = owner.known(uid=marked("uid"), **{f"{prop}_rare": marked()})
    owner.applied(owner.batch([{"uid": marked("uid"), prop: 1} for _ in range(1500)]))

    seen(owner, prop)
    rare = seen(owner, f"{prop}_rare")

    assert rare["types"] == ["string"]
    assert rare["last_seen_at"] == owner.profile(id=first)["updated_at"]
    assert len(rare["values"]) == 1


def test_what_is_removed_from_the_last_profile_is_listed_no_more(
    owner: Account, uid: str, prop: str
) -> None:
    owner.known(uid=uid, **{prop: 1})
    seen(owner, prop)

    owner.known(uid=uid, **{prop: "$unset"})

    assert prop not in listed(owner)


def test_ids_times_and_what_says_who_is_meant_are_no_properties(
    owner: Account, uid: str, prop: str
) -> None:
    owner.known(
        uid=uid, email=marked_email(), company_uid=marked("company"), browser_l="en", **{prop: 1}
    )
    seen(owner, prop)

    names = {"id", "uid", "email", "company_id", "company_uid", "created_at", "percent"}
    assert names.isdisjoint(listed(owner))
    assert "browser_l" in listed(owner)


def test_a_forgotten_users_values_and_names_are_gone_with_the_answer(
    owner: Account, uid: str, prop: str
) -> None:
    owner.known(uid=marked("uid"), **{prop: (kept := marked())})
    owner.known(uid=uid, **{prop: marked(), f"{prop}_own": marked()})
    seen(owner, f"{prop}_own")
    eventually(lambda: kept in listed(owner).get(prop, {"values": []})["values"])

    assert owner.forget(uid=uid).status_code == 200

    after = listed(owner)
    assert f"{prop}_own" not in after
    assert after[prop]["values"] == [kept]


def test_another_accounts_properties_are_not_shown(
    owner: Account, stranger: Account, prop: str
) -> None:
    stranger.known(uid=marked("uid"), **{prop: marked()})
    foreign = seen(stranger, prop)

    assert prop not in listed(owner)
    assert_error(owner.http.get(f"{PROPERTIES}/{foreign['id']}"), 404)
    assert_error(change(owner, foreign["id"], {"name": "Mine"}), 404)


# --- companies


def test_companies_have_properties_of_their_own(owner: Account, prop: str) -> None:
    push(owner, uid=marked("company"), **{prop: 1, "email": marked_email()})
    id_ = push(owner, uid=marked("company"), **{prop: "a", f"{prop}_own": {"in": True}})

    companies = listed(owner, "company")

    shown = companies[prop]
    assert (shown["kind"], shown["types"], shown["values"]) == (
        "company",
        ["string", "number"],
        ["a", 1],
    )
    assert is_timestamp(shown["created_at"])
    assert companies[f"{prop}_own.in"]["values"] == [True]
    assert "email" in companies
    assert "uid" not in companies
    assert prop not in listed(owner)

    deleted = owner.http.delete(f"/v3/edit/companies/{id_}")

    assert deleted.is_success
    after = listed(owner, "company")
    assert f"{prop}_own" not in after
    assert (after[prop]["types"], after[prop]["values"]) == (["number"], [1])


# --- the list


@pytest.mark.parametrize("name", ["before", "after"])
def test_the_list_is_in_the_order_of_the_names_and_goes_on_behind_its_cursor(
    service: Service, name: str
) -> None:
    account = service.create_account("Pages of properties")
    account.known(uid=marked("uid"), b=1, a={"x": 1}, a_b=1, ab=1)
    seen(account, "b")
    found: list[str] = []
    parameters: dict[str, Any] = {"kind": "profile", "limit": 2}
    cursor: str | None = None

    for _ in range(3):
        answer = ask(account, **parameters).json()
        found += [each["prop"] for each in answer["properties"]]
        assert answer["cursor"].pop("limit") == 2
        assert len(set(answer["cursor"].values())) <= 1
        cursor = answer["cursor"].get(name)
        parameters[name] = cursor

    assert found == ["a", "a.x", "a_b", "ab", "b"]
    assert cursor is None
    assert ask(account, kind="profile").json()["cursor"] == {"limit": 10_000}


def test_a_list_without_a_limit_is_complete(service: Service) -> None:
    account = service.create_account("Many properties")
    names = [f"p{n}" for n in range(707)]
    account.known(uid=marked("uid"), **dict.fromkeys(names, 1))
    seen(account, names[-1])

    assert list(listed(account)) == sorted(names)


def test_a_list_is_ordered_as_the_product_says(service: Service) -> None:
    account = service.create_account("Order of properties")
    account.known(uid="first", b=1, c=1)
    account.known(uid="second", a=1)
    account.known(uid="third", b=1)
    seen(account, "a")

    def ordered(**more: str) -> list[str]:
        answer = ask(account, kind="profile", **more)
        return [each["prop"] for each in answer.json()["properties"]]

    eventually(lambda: ordered(order="last_seen_at") == ["b", "a", "c"])
    assert ordered(order="created_at") == ["a", "b", "c"]
    assert ordered(integration="api") == ["a", "b", "c"]
    assert ordered(integration="salesforce") == []


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({}, "kind"),
        ({"kind": "event"}, "kind"),
        ({"kind": "profile", "limit": 0}, "limit"),
        ({"kind": "company", "limit": 501}, "limit"),
        ({"kind": "profile", "limit": "many"}, "limit"),
        ({"kind": "profile", "order": "prop"}, "order"),
        ({"kind": "profile", "before": "a", "after": "b"}, "before"),
        ({"kind": "profile", "limits": 5}, "limits"),
    ],
)
def test_a_list_that_cannot_be_is_422(
    account: Account, parameters: dict[str, Any], named: str
) -> None:
    assert_error(ask(account, **parameters), 422, named)


# --- what is written about them


def test_a_property_is_named_and_described(owner: Account, uid: str, prop: str) -> None:
    owner.known(uid=uid, **{prop: 1})
    before = seen(owner, prop)

    spelled = prop.replace("_", "-")
    first = one(describe(owner, kind="profile", prop=spelled, name="Seats!"), 201)
    second = one(describe(owner, kind="profile", prop=prop, description="What is paid for"))

    written = {"name": "Seats!", "description": None, "updated_at": first["updated_at"]}
    assert first == before | written
    assert first["updated_at"] > before["updated_at"]
    assert (second["name"], second["description"]) == ("Seats!", "What is paid for")
    assert listed(owner)[prop] == second


def test_a_name_alone_says_which_property_it_is(owner: Account, prop: str) -> None:
    made = one(describe(owner, kind="company", name=f"{prop.upper()} Date"), 201)
    again = one(describe(owner, kind="company", name=f"{prop}_date", prop=None))

    assert (made["prop"], made["name"]) == (f"{prop}_date", f"{prop.upper()} Date")
    assert (again["id"], again["name"]) == (made["id"], f"{prop}_date")


def test_a_patch_is_a_put(owner: Account, prop: str) -> None:
    made = one(describe(owner, kind="profile", prop=prop, description="Paid"), 201)

    answer = owner.http.patch(f"{PROPERTIES}/{made['id']}", json={"name": "Seats"})

    assert (one(answer)["name"], one(answer)["description"]) == ("Seats", "Paid")


def test_a_property_is_changed_by_its_id(owner: Account, uid: str, prop: str) -> None:
    owner.known(uid=uid, **{prop: 1})
    id_ = seen(owner, prop)["id"]

    named = one(change(owner, id_, {"name": "Seats", "description": "Paid"}))
    ended = one(change(owner, id_, {"name": None}))

    assert (named["id"], named["name"], named["description"]) == (id_, "Seats", "Paid")
    assert (ended["name"], ended["description"]) == (seen(owner, prop)["name"], "Paid")
    assert ended["name"] != "Seats"


def test_what_is_described_is_listed_before_anybody_has_it(owner: Account, prop: str) -> None:
    made = one(describe(owner, kind="company", prop=f"{prop}.Inner", name="Later"), 201)

    assert made["prop"] == f"{prop}.inner"
    assert (made["types"], made["values"], made["last_seen_at"]) == ([], [], None)
    assert is_timestamp(made["created_at"])
    assert listed(owner, "company")[f"{prop}.inner"] == made
    assert f"{prop}.inner" not in listed(owner)

    ended = one(change(owner, made["id"], {"name": None, "description": None}))

    assert ended["created_at"] is None
    assert f"{prop}.inner" not in listed(owner, "company")
    assert_error(change(owner, made["id"], {"name": "Again"}), 404)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"prop": "plan", "name": "Plan"}, "kind"),
        ({"kind": "event", "prop": "plan", "name": "Plan"}, "kind"),
        ({"kind": "profile", "description": "Plan"}, "prop"),
        ({"kind": "profile", "name": "🚧"}, "prop"),
        ({"kind": "profile", "name": "Email"}, "prop"),
        ({"kind": "profile", "prop": "🚧", "name": "Plan"}, "prop"),
        ({"kind": "profile", "prop": "a.b.c.d.e", "name": "Plan"}, "prop"),
        ({"kind": "profile", "prop": "email", "name": "Plan"}, "prop"),
        ({"kind": "company", "prop": "createdAt", "name": "Plan"}, "prop"),
        ({"kind": "profile", "prop": "plan"}, "name"),
        ({"kind": "profile", "prop": "plan", "name": ""}, "name"),
        ({"kind": "profile", "prop": "plan", "name": 1}, "name"),
        ({"kind": "profile", "prop": "plan", "name": "é" * 385}, "name"),
        ({"kind": "profile", "prop": "plan", "name": "a\u0001"}, "name"),
        ({"kind": "profile", "prop": "plan", "description": "x" * 4097}, "description"),
        ({"kind": "profile", "prop": "plan", "description": ["x"]}, "description"),
    ],
)
def test_a_bad_description_is_422_with_its_field(
    owner: Account, body: dict[str, Any], named: str
) -> None:
    assert_error(describe(owner, **body), 422, f"{named}: send ")
    assert "plan" not in listed(owner)


def test_the_longest_texts_are_taken(owner: Account, prop: str) -> None:
    texts = {"name": "é" * 384, "description": "x\n" * 2048}

    assert texts.items() <= one(describe(owner, kind="profile", prop=prop, **texts), 201).items()


@pytest.mark.parametrize("id_", [UNKNOWN_ID, "x", "A" * 24])
def test_an_unknown_property_is_404(owner: Account, id_: str) -> None:
    assert_error(owner.http.get(f"{PROPERTIES}/{id_}"), 404)
    assert_error(change(owner, id_, {"name": "Plan"}), 404)
    assert_error(change(owner, id_, {}), 422, "name")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", PROPERTIES),
        ("POST", PROPERTIES),
        ("GET", f"{PROPERTIES}/{UNKNOWN_ID}"),
        ("PUT", f"{PROPERTIES}/{UNKNOWN_ID}"),
    ],
)
def test_nobody_is_told_anything_without_a_secret(service: Service, method: str, path: str) -> None:
    body: dict[str, str] | None = None if method == "GET" else {"name": "Plan"}

    assert_error(service.http.request(method, path, json=body), 403)
