"""Contract §6: search and count."""

from typing import Any

import pytest

from tests.contract.expectations import UNKNOWN_ID, assert_error
from tests.support.asking import ANY_WAY, COUNT, SEARCH, Ask, count, ids, search, where
from tests.support.service import Account, Service, eventually, marked, marked_email


@pytest.fixture(scope="module")
def team(service: Service) -> list[str]:
    """The ids of five profiles of an account of their own, newest first; `account_of` finds it."""
    account = service.create_account("Search")
    _accounts[:] = [account]
    properties: list[dict[str, Any]] = [
        {"role": "admin", "n": 1, "tags": ["a"], "deep": {"x": {"y": "found"}}},
        {"role": "Admin", "n": 2.5, "tags": ["a", "b"], "company_uid": "acme"},
        {"role": "guest", "n": 30, "seen_at": "-40d", "company_uid": "acme"},
        {"role": None, "n": "12", "seen_at": "-2d"},
        {"title": "100% (.*) [x]", "email": "Ada@Search.example"},
    ]
    made = [account.known(uid=f"s{n}", **each) for n, each in enumerate(properties)]
    eventually(lambda: count(account) == len(made))
    return made[::-1]


_accounts: list[Account] = []


@pytest.fixture
def searched(team: list[str]) -> Account:
    assert team
    return _accounts[0]


# --- what is found


@pytest.mark.parametrize(
    ("filter_", "found"),
    [
        (where("role", "eq", "admin"), [0]),
        (where("role", "ne", "admin"), [4, 3, 2, 1]),
        (where("role", "ex"), [3, 2, 1, 0]),
        (where("role", "nx"), [4]),
        (where("role", "eq", None), [3]),
        (where("role", "in-v", "admin, guest"), [2, 0]),
        (where("role", "nin-v", "admin, guest"), [4, 3, 1]),
        (where("role", "in", "dmi"), [1, 0]),
        (where("role", "nin", "dmi"), [4, 3, 2]),
        (where("role", "in-i", "ADM"), [1, 0]),
        (where("role", "nin-i", "ADM"), [4, 3, 2]),
        (where("title", "in", "(.*) ["), [4]),
        (where("n", "gt", 2), [3, 2, 1]),
        (where("n", "gte", 2.5), [3, 2, 1]),
        (where("n", "lt", "12"), [1, 0]),
        (where("n", "lte", 12), [3, 1, 0]),
        (where("role", "gt", "admin"), [2]),
        (where("tags", "in-a", "b"), [1]),
        (where("tags", "nin-a", "b"), [4, 3, 2, 0]),
        (where("tags", "eq", "a"), []),
        (where("seen_at", "gt-d", 7), [3]),
        (where("seen_at", "lt-d", 7), [2]),
        (where("deep.x.y", "eq", "found"), [0]),
        (where("company.uid", "eq", "acme"), [2, 1]),
        (where("company_uid", "eq", "acme"), [2, 1]),
        (where("company", "ex"), [2, 1]),
        (where("uid", "eq", "s3"), [3]),
        (where("email", "eq", "ada@search.EXAMPLE"), [4]),
        (where("User Role", "nx"), [4, 3, 2, 1, 0]),
    ],
    ids=lambda value: str(value.get("op")) if isinstance(value, dict) else "",  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
)
def test_a_filter_finds_and_counts(
    searched: Account, team: list[str], filter_: dict[str, Any], found: list[int]
) -> None:
    expected = [team[len(team) - 1 - n] for n in found]

    assert ids(search(searched, filter_)) == expected
    assert count(searched, filter_) == len(expected)


@ANY_WAY
def test_every_way_to_ask_finds_the_same(searched: Account, team: list[str], ask: Ask) -> None:
    admins = {
        "kind": "group",
        "filters_op": "or",
        "filters": [where("role", "eq", "admin"), where("role", "eq", "Admin")],
    }
    asked: dict[str, Any] = {"filters": [admins, where("n", "gt", 1)], "filters_op": "and"}

    found = ask(searched, SEARCH, {**asked, "limit": 10, "expand": {"profile": "min"}})
    counted = ask(searched, COUNT, asked)

    assert ids(found) == [team[3]]
    assert found.json()["cursor"] == {"limit": 10}
    assert sorted(found.json()["profiles"][0]) == ["created_at", "id", "uid", "updated_at"]
    assert counted.json() == {"count": 1}


def test_filters_are_joined_by_and_unless_or_is_said(searched: Account) -> None:
    filters = [where("role", "eq", "admin"), where("role", "eq", "guest")]

    assert (count(searched, *filters), count(searched, *filters, filters_op="or")) == (0, 2)


@ANY_WAY
def test_without_filters_everybody_is_found_newest_first(
    searched: Account, team: list[str], ask: Ask
) -> None:
    answer = ask(searched, SEARCH, {})

    assert ids(answer) == team
    assert answer.json()["cursor"] == {"limit": 50}
    assert ids(search(searched)) == team


def test_profiles_are_answered_as_a_read_answers_them(searched: Account) -> None:
    (found,) = search(searched, where("uid", "eq", "s1")).json()["profiles"]

    assert found == searched.profile(uid="s1")
    assert found["company"]["uid"] == "acme"


def test_expand_tells_how_much_is_shown(searched: Account) -> None:
    def shown(**expand: str) -> dict[str, Any]:
        (profile,) = search(searched, where("uid", "eq", "s1"), expand=expand).json()["profiles"]
        return profile

    assert list(shown(profile="skip")) == ["id"]
    assert "company" not in shown(company="skip")


# --- pages


def test_a_walk_by_cursors_shows_each_profile_once(searched: Account, team: list[str]) -> None:
    walked: list[list[str]] = []
    cursor: dict[str, Any] = {}
    while True:
        answer = search(searched, limit=2, **cursor)
        walked.append(ids(answer))
        told = answer.json()["cursor"]
        assert told.pop("limit") == 2
        if not told:
            break
        cursor = told

    assert walked == [team[:2], team[2:4], team[4:]]


def test_bounds_are_ids_and_timestamps_and_leave_out_what_they_name(
    searched: Account, team: list[str]
) -> None:
    created = searched.profile(id=team[2])["created_at"]

    assert ids(search(searched, before=team[1], after=team[4])) == team[2:4]
    assert ids(search(searched, before=created)) == team[3:]
    assert ids(search(searched, after=created)) == team[:2]


def test_a_cursor_goes_on_when_its_profile_is_gone(service: Service) -> None:
    account = service.create_account("Cursor")
    made = [account.known(uid=n) for n in range(4)][::-1]
    eventually(lambda: count(account) == 4)
    cursor = search(account, limit=2).json()["cursor"]

    assert account.forget(id=made[1]).is_success

    assert ids(search(account, limit=2, before=cursor["before"])) == made[2:]
    assert_error(search(account, before=made[1]), 422, "before")


def test_no_profile_is_skipped_or_shown_twice_while_others_are_written(service: Service) -> None:
    account = service.create_account("Walk")
    account.applied(account.batch([{"uid": n} for n in range(300)]))
    eventually(lambda: count(account) == 300)
    there = set(ids(search(account, limit=500)))

    walked: list[str] = []
    cursor: dict[str, Any] = {}
    for n in range(100):
        account.known(uid=n, again=n)
        account.known(uid=f"new {n}")
        answer = search(account, limit=20, **cursor)
        walked += ids(answer)
        cursor = {"before": answer.json()["cursor"].get("before")}
        if cursor["before"] is None:
            break

    assert len(walked) == len(set(walked))
    assert there <= set(walked)


# --- changes


def test_a_write_is_found_soon_and_shown_as_it_is_now(account: Account, uid: str) -> None:
    id_ = account.known(uid=uid, plan="first")
    eventually(lambda: ids(search(account, where("uid", "eq", uid))) == [id_])

    account.known(uid=uid, plan="second")

    assert search(account, where("uid", "eq", uid)).json()["profiles"][0]["plan"] == "second"
    eventually(lambda: ids(search(account, where("uid", "eq", uid), where("plan", "eq", "second"))))
    assert count(account, where("uid", "eq", uid), where("plan", "eq", "first")) == 0


def test_a_forgotten_user_is_out_of_every_search_at_once(account: Account, uid: str) -> None:
    email = marked_email()
    account.known(uid=uid, email=email)
    eventually(lambda: count(account, where("uid", "eq", uid)) == 1)

    assert account.forget(uid=uid).is_success

    assert count(account, where("uid", "eq", uid)) == 0
    assert ids(search(account, where("email", "eq", email))) == []


def test_a_page_is_full_though_users_are_forgotten(service: Service) -> None:
    account = service.create_account("Full")
    made = [account.known(uid=n) for n in range(6)][::-1]
    eventually(lambda: count(account) == 6)

    for n in (5, 4):
        assert account.forget(uid=n).is_success

    answer = search(account, limit=3)
    assert ids(answer) == made[2:5]
    assert "before" in answer.json()["cursor"]


def test_a_user_who_comes_back_is_found_again(account: Account, uid: str) -> None:
    account.known(uid=uid)
    account.forget(uid=uid)
    back = account.known(uid=uid)

    eventually(lambda: ids(search(account, where("uid", "eq", uid))) == [back])


# --- accounts


def test_an_account_finds_its_own_profiles_only(
    account: Account, stranger: Account, uid: str
) -> None:
    id_ = account.known(uid=uid, plan=uid)
    eventually(lambda: count(account, where("plan", "eq", uid)) == 1)

    assert count(stranger, where("plan", "eq", uid)) == 0
    assert_error(search(stranger, before=id_), 422, "before")
    assert search(stranger, before=id_).content == search(stranger, before=UNKNOWN_ID).content


def test_a_cursor_of_another_account_is_refused(searched: Account, stranger: Account) -> None:
    cursor = search(searched, limit=1).json()["cursor"]["before"]

    assert_error(search(stranger, before=cursor), 422, "before")


@ANY_WAY
@pytest.mark.parametrize("path", [SEARCH, COUNT])
def test_a_secret_is_asked_for_before_anything_is_told(
    service: Service, account: Account, path: str, ask: Ask
) -> None:
    nobody = service.account(account.id, marked())

    assert_error(ask(nobody, path, {"limit": 0}), 403)
