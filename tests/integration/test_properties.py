"""Properties over restarts: what only a forgotten user had stays away, what was written stays there (contract §10)."""

from typing import Any

from tests.support.service import Account, Service, eventually, marked

PROPERTIES = "/v3/edit/properties"


def listed(account: Account) -> dict[str, dict[str, Any]] | None:
    """The properties by their names; None while the index catches up."""
    answer = account.http.get(PROPERTIES, params={"kind": "profile"})
    assert answer.status_code in {200, 503}, answer.text
    if answer.status_code == 503:
        assert int(answer.headers["Retry-After"]) > 0
        return None
    return {each["prop"]: each for each in answer.json()["properties"]}


def having(account: Account, prop: str) -> dict[str, dict[str, Any]]:
    """The properties once this one is among them."""

    def look() -> dict[str, dict[str, Any]] | None:
        found = listed(account)
        return found if found is not None and prop in found else None

    return eventually(look)


def test_what_only_a_forgotten_user_had_stays_away_and_what_was_written_stays(
    own_service: Service,
) -> None:
    account = own_service.create_account("A")
    kept, lost, uid = marked(), marked(), marked("uid")
    account.known(uid=marked("uid"), plan=kept)
    account.known(uid=uid, plan=lost, hobby=marked(), address={"street": marked()})
    having(account, "address.street")
    body = {"kind": "profile", "prop": "plan", "name": "Tariff", "description": "What is paid"}
    described = account.http.post(PROPERTIES, json=body)
    assert described.status_code == 201

    assert account.forget(uid=uid).status_code == 200

    after = listed(account)
    assert after is not None
    assert after.keys() == {"plan"}
    assert after["plan"]["values"] == [kept]
    own_service.kill()
    own_service.start()
    assert having(account, "plan") == after
    assert own_service.terminate() == 0
    own_service.lose_state()
    own_service.start()
    assert having(account, "plan") == after
    assert after["plan"]["name"] == "Tariff"
    assert after["plan"]["updated_at"] == described.json()["property"]["updated_at"]
