"""The search index of the real service: killed, damaged, missing, and emptied of who was forgotten."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.service import Account, Service, eventually, marked

SEARCH = "/v3/analyze/profiles"
PROFILES = 3000


def count(account: Account, **properties: object) -> int | None:
    """How many profiles have these values; None while searches are refused."""
    filters = [
        {"kind": "property", "prop": prop, "op": "eq", "value": value}
        for prop, value in properties.items()
    ]
    answer = account.http.post(f"{SEARCH}/count", json={"filters": filters})
    if answer.status_code == 503:
        assert int(answer.headers["Retry-After"]) > 0
        return None
    assert answer.status_code == 200, answer.text
    return answer.json()["count"]


def settled(account: Account, **properties: object) -> int:
    """The count of the first search that is answered."""
    found = eventually(lambda: [it for it in [count(account, **properties)] if it is not None])
    return found[0]


def walk(account: Account) -> list[str]:
    """The ids of all profiles, page by page."""
    found: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        answer = account.http.post(SEARCH, json={"limit": 500, **cursor}).json()
        found += [profile["id"] for profile in answer["profiles"]]
        cursor = {name: value for name, value in answer["cursor"].items() if name == "before"}
        if not cursor:
            return found


def index_folder(service: Service) -> Path:
    return service.data / "search"


# --- kill -9


def test_a_kill_between_fold_and_index_loses_nothing(own_service: Service) -> None:
    account = own_service.create_account("A")
    mark = marked()
    account.applied(account.batch([{"uid": n, "plan": "old"} for n in range(PROFILES)]))
    eventually(lambda: count(account) == PROFILES)

    for n in range(3):
        plan = f"{mark}{n}"
        account.applied(account.batch([{"uid": n, "plan": plan} for n in range(PROFILES)]))
        forgotten = account.forget(uid=n)
        indexed = count(account, plan=plan)
        own_service.kill()
        own_service.start()

        assert forgotten.is_success
        assert indexed is not None
        assert indexed < PROFILES, "the kill came too late to be between fold and index"
        assert (settled(account), settled(account, plan=plan)) == (PROFILES - 1, PROFILES - 1)
        assert len(set(walk(account))) == PROFILES - 1
    assert own_service.log.count("the search index is built") == 1


# --- missing and damaged


@pytest.fixture
def filled(own_service: Service) -> Account:
    account = own_service.create_account("A")
    account.applied(account.batch([{"uid": n} for n in range(PROFILES)]))
    eventually(lambda: count(account) == PROFILES)
    return account


def damage(folder: Path) -> None:
    for path in folder.glob("*/*.term"):
        path.write_bytes(path.read_bytes()[:-1] + b"?")


def of_another_layout(folder: Path) -> None:
    current = folder / "CURRENT"
    current.write_text(current.read_text().replace('"layout":', '"layout":9'))


def remove(folder: Path) -> None:
    (folder / "CURRENT").unlink()


@pytest.mark.parametrize("spoil", [damage, of_another_layout, remove])
def test_an_index_that_cannot_be_used_is_built_again(
    own_service: Service, filled: Account, spoil: Any
) -> None:
    own_service.kill()
    spoil(index_folder(own_service))
    own_service.start()

    assert filled.has(uid=1)
    assert settled(filled) == PROFILES
    assert own_service.log.count("the search index is complete") == 2


def test_an_index_outlives_no_state(own_service: Service, filled: Account) -> None:
    """Of a state that is folded anew nobody knows what the index was told."""
    filled.forget(uid=1)
    assert own_service.terminate() == 0
    state = own_service.data / "state"
    state.rename(own_service.data / "state.old")

    own_service.start()

    assert settled(filled) == PROFILES - 1
    assert own_service.log.count("the search index is complete") == 2


# --- erasure


def test_no_byte_of_a_forgotten_user_is_left_in_the_index(own_service: Service) -> None:
    account = own_service.create_account("A")
    mark, other = marked().replace("-", ""), marked().replace("-", "")
    account.known(uid=f"{other}uid", text=f"{other}text", tags=[f"{other}tag"])
    account.known(uid=f"{mark}uid", text=f"{mark}first", email=f"{mark}@example.com")
    eventually(lambda: count(account, text=f"{mark}first") == 1)
    account.known(uid=f"{mark}uid", text=f"{mark}second", tags=[f"{mark}tag"])
    eventually(lambda: count(account, text=f"{mark}second") == 1)
    assert list(files_with(index_folder(own_service), mark))

    deletion = account.forget(uid=f"{mark}uid").json()["deletion"]["id"]
    account.purged(deletion)

    assert list(files_with(own_service.data, mark)) == []
    assert list(files_with(index_folder(own_service), other))
    assert settled(account, text=f"{other}text") == 1


def files_with(folder: Path, mark: str) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and mark.encode().lower() in path.read_bytes().lower():
            yield path.name
