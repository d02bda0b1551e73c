"""Contract §3: create or update one profile."""

from concurrent.futures import ThreadPoolExecutor
from unicodedata import normalize

import httpx
import pytest

from tests.contract.expectations import (
    NO_IDENTIFIER,
    UNKNOWN_ID,
    assert_error,
    is_id,
)
from tests.support.service import (
    PARTITIONS,
    UPSERT,
    Account,
    Service,
    marked,
    marked_email,
    marked_number,
)


def test_a_uid_not_seen_before_creates_a_profile(account: Account, uid: str) -> None:
    answer = account.upsert(uid=uid, plan="gold")

    assert answer.status_code == 201
    id_ = answer.json()["profile"]["id"]
    assert is_id(id_)
    assert answer.json() == {"profile": {"id": id_}}


def test_a_uid_seen_before_updates_its_profile(account: Account, uid: str) -> None:
    created = account.upsert(uid=uid, plan="gold", seats=3)

    updated = account.upsert(uid=uid, plan="free")

    assert updated.status_code == 200
    assert updated.json() == created.json()
    assert account.profile(uid=uid)["plan"] == "free"
    assert account.profile(uid=uid)["seats"] == 3


def test_the_path_form_answers_the_same(service: Service, account: Account, uid: str) -> None:
    path = f"/v3/observe/hooks/{account.secret}/profiles"

    created = service.http.post(path, json={"uid": uid})
    updated = service.http.post(path, json={"uid": uid})

    assert (created.status_code, updated.status_code) == (201, 200)
    assert created.json() == updated.json() == {"profile": {"id": account.profile(uid=uid)["id"]}}


def test_an_update_changes_updated_at_and_never_created_at(account: Account, uid: str) -> None:
    account.known(uid=uid)
    before = account.profile(uid=uid)

    account.known(uid=uid, plan="gold")

    after = account.profile(uid=uid)
    assert after["created_at"] == before["created_at"]
    assert after["updated_at"] > before["updated_at"]


# --- uid


def test_an_integer_and_the_string_of_its_digits_are_the_same_user(account: Account) -> None:
    number = marked_number()
    id_ = account.known(uid=number)

    assert account.upsert(uid=str(number)).json() == {"profile": {"id": id_}}
    assert account.upsert(uid=number).json() == {"profile": {"id": id_}}


def test_the_uid_is_answered_in_the_json_type_last_sent(account: Account) -> None:
    number = marked_number()
    account.known(uid=number)
    assert account.profile(uid=number)["uid"] == number

    account.known(uid=str(number))
    assert account.profile(uid=number)["uid"] == str(number)

    account.known(uid=number)
    assert account.profile(uid=number)["uid"] == number


@pytest.mark.parametrize("digits", [20, 40, 768])
def test_a_uid_may_be_a_very_large_integer(account: Account, digits: int) -> None:
    number = str(marked_number()).ljust(digits, "7")
    body = b'{"uid":%b}' % number.encode()

    answer = account.upsert_raw(body)

    assert answer.status_code == 201
    assert f'"uid":{number},' in account.read(uid=number).text
    assert account.upsert(uid=number).json() == answer.json()


def test_a_uid_may_be_below_zero(account: Account) -> None:
    number = -marked_number()

    assert account.upsert(uid=number).status_code == 201
    assert account.profile(uid=number)["uid"] == number


@pytest.mark.parametrize("character", ["x", "é", "€", "🚧"])
def test_a_uid_has_at_most_768_bytes(account: Account, character: str) -> None:
    start = marked("uid")
    size = len(character.encode())
    longest = start + character * ((768 - len(start)) // size)

    assert account.upsert(uid=longest).status_code == 201
    assert account.profile(uid=longest)["uid"] == longest
    assert_error(account.upsert(uid=longest + character), 422, "uid")


def test_an_integer_uid_of_769_digits_is_422(account: Account) -> None:
    number = str(marked_number()).ljust(769, "7").encode()

    assert_error(account.upsert_raw(b'{"uid":%b}' % number), 422, "uid")


def test_an_empty_uid_is_422(account: Account) -> None:
    assert_error(account.upsert(uid=""), 422, "uid")


@pytest.mark.parametrize("ending", [" ", "\t", "/", "?&#%", "é", "🚧", "\u202e", "'\"\\"])
def test_a_uid_may_hold_any_character(account: Account, ending: str) -> None:
    uid = marked("uid")
    id_ = account.known(uid=uid)

    other = account.known(uid=uid + ending)

    assert other != id_
    assert account.profile(uid=uid + ending)["uid"] == uid + ending


# --- id


def test_an_id_updates_its_profile(account: Account, uid: str) -> None:
    id_ = account.known(uid=uid)

    answer = account.upsert(id=id_, plan="gold")

    assert answer.status_code == 200
    assert answer.json() == {"profile": {"id": id_}}
    assert account.profile(uid=uid)["plan"] == "gold"


def test_an_unknown_id_is_404_and_creates_nothing(account: Account, uid: str) -> None:
    assert_error(account.upsert(id=UNKNOWN_ID), 404)
    assert_error(account.upsert(id=UNKNOWN_ID, uid=uid), 404)

    assert not account.has(uid=uid)


def test_an_id_and_a_uid_that_agree_update_the_profile(account: Account, uid: str) -> None:
    id_ = account.known(uid=uid)

    assert account.upsert(id=id_, uid=uid, plan="gold").json() == {"profile": {"id": id_}}
    assert account.profile(uid=uid)["plan"] == "gold"


def test_a_uid_of_another_type_agrees_with_the_id(account: Account) -> None:
    number = marked_number()
    id_ = account.known(uid=number)

    assert account.upsert(id=id_, uid=str(number)).status_code == 200
    assert account.profile(id=id_)["uid"] == str(number)


# --- email as an identifier


def test_an_email_finds_its_profile(account: Account, uid: str, email: str) -> None:
    id_ = account.known(uid=uid, email=email)

    answer = account.upsert(email=email, plan="gold")

    assert answer.status_code == 200
    assert answer.json() == {"profile": {"id": id_}}
    assert account.profile(uid=uid)["plan"] == "gold"


def test_an_unknown_email_is_404_and_creates_nothing(account: Account, email: str) -> None:
    assert_error(account.upsert(email=email, plan="gold"), 404)

    assert not account.has(email=email)


def test_emails_are_compared_composed_trimmed_and_in_lower_case(account: Account, uid: str) -> None:
    email = marked_email("Émile-Weiß")
    id_ = account.known(uid=uid, email=email)

    for same in (
        email.replace("ß", "ẞ").upper(),
        email.lower(),
        f"\ufeff  {email}\t\u200b",
        normalize("NFD", email),
    ):
        assert account.upsert(email=same).json() == {"profile": {"id": id_}}
        assert account.profile(email=same)["id"] == id_


def test_a_sharp_s_is_not_two_s(account: Account, uid: str) -> None:
    email = marked_email("Weiß")
    other = email.replace("ß", "ss")
    id_ = account.known(uid=uid, email=email)
    other_id = account.known(uid=marked("uid"), email=other)

    assert account.profile(email=email)["id"] == id_
    assert account.profile(email=other)["id"] == other_id


def test_an_email_is_stored_as_sent_but_for_blanks_at_its_ends(account: Account, uid: str) -> None:
    email = marked_email("Ada").upper()
    account.known(uid=uid, email=f"\ufeff {email}\u00a0")

    assert account.profile(uid=uid)["email"] == email


def test_the_same_email_spelled_anew_is_stored_as_sent_last(account: Account, uid: str) -> None:
    email = marked_email()
    account.known(uid=uid, email=email)

    account.known(email=email.upper(), plan="gold")
    account.known(uid=uid, email=email.upper())

    assert account.profile(email=email)["email"] == email.upper()


def test_an_email_beside_a_uid_is_no_identifier_but_a_claim(
    account: Account, uid: str, email: str
) -> None:
    holder = account.known(uid=marked("uid"), email=email)

    answer = account.upsert(uid=uid, email=email)

    assert answer.status_code == 201
    assert answer.json()["profile"]["id"] != holder


# --- no identifier


@pytest.mark.parametrize("more", [{}, {"plan": "gold"}, {"uid": None}])
def test_a_write_without_an_identifier_is_422_in_the_seeds_words(
    account: Account, more: dict[str, object]
) -> None:
    answer = account.upsert(**more)

    assert answer.status_code == 422
    assert answer.json() == {"code": 422, "messages": [NO_IDENTIFIER]}


def test_a_company_is_no_identifier(account: Account) -> None:
    answer = account.upsert(company_uid=marked("company"))

    assert answer.json() == {"code": 422, "messages": [NO_IDENTIFIER]}


# --- properties


def test_anything_else_is_stored_as_a_property(account: Account, uid: str) -> None:
    sent = {"plan": marked(), "seats": 3, "share": 0.5, "admin": True, "tags": ["a", "b"]}
    account.known(uid=uid, **sent)

    profile = account.profile(uid=uid)
    assert {name: profile[name] for name in sent} == sent


def test_null_is_stored_as_null(account: Account, uid: str) -> None:
    account.known(uid=uid, plan="gold")

    account.known(uid=uid, plan=None, team=None)

    profile = account.profile(uid=uid)
    assert profile["plan"] is None
    assert profile["team"] is None


def test_unset_removes_a_property(account: Account, uid: str) -> None:
    account.known(uid=uid, plan="gold", seats=3)

    account.known(uid=uid, plan="$unset", never_there="$unset")

    profile = account.profile(uid=uid)
    assert "plan" not in profile
    assert "never_there" not in profile
    assert profile["seats"] == 3


# --- synchronous


def test_every_read_shows_a_write_when_its_answer_arrives(account: Account) -> None:
    uid, email = marked("uid"), marked_email()
    id_ = account.known(uid=uid, email=email, n=0)

    for n in range(1, 31):
        account.known(uid=uid, n=n)

        assert account.profile(id=id_)["n"] == n
        assert account.profile(uid=uid)["n"] == n
        assert account.profile(email=email)["n"] == n


def test_every_read_shows_a_changed_email_when_its_answer_arrives(account: Account) -> None:
    id_ = account.known(uid=marked("uid"))

    for _ in range(10):
        email = marked_email()
        account.known(id=id_, email=email)

        assert account.profile(id=id_)["email"] == email
        assert account.profile(email=email)["id"] == id_


def test_one_of_many_concurrent_writes_creates_the_profile(account: Account, uid: str) -> None:
    def write(n: int) -> httpx.Response:
        return account.upsert(uid=uid, **{f"n{n}": n})

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(write, range(16)))

    assert sorted(answer.status_code for answer in answers) == [200] * 15 + [201]
    assert len({answer.content for answer in answers}) == 1
    profile = account.profile(uid=uid)
    assert all(profile[f"n{n}"] == n for n in range(16))


# --- X-Log-Position (§14)


def position(answer: httpx.Response) -> tuple[int, int]:
    """(partition, offset) of a single write."""
    partition, offset = answer.headers["X-Log-Position"].split(":")
    return int(partition), int(offset)


def test_a_write_says_where_it_stands_in_the_log(account: Account, uid: str) -> None:
    first = position(account.upsert(uid=uid))
    second = position(account.upsert(uid=uid, plan="gold"))

    assert 0 <= first[0] < PARTITIONS
    assert second[0] == first[0]
    assert second[1] > first[1]


def test_a_refused_write_has_no_place_in_the_log(account: Account) -> None:
    for answer in (account.upsert(), account.upsert(id=UNKNOWN_ID), account.upsert(uid="")):
        assert "X-Log-Position" not in answer.headers


def test_a_get_on_the_hook_is_no_write(account: Account, uid: str) -> None:
    answer = account.http.get(UPSERT, params={"uid": uid})

    assert answer.status_code in {404, 405}
    assert not account.has(uid=uid)
