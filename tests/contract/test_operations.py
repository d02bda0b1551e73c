"""Contract §15 but for the metrics, and what the log may not hold (§1)."""

import httpx
import pytest

from tests.support.service import Account, Service, marked, marked_email


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_the_state_of_the_service_needs_no_secret(service: Service, path: str) -> None:
    assert service.http.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_a_wrong_secret_does_not_matter_there(service: Service, path: str) -> None:
    answer = service.http.get(path, headers={"X-Account-Secret": marked("secret")})

    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_the_state_of_the_service_shows_no_user_data(
    service: Service, account: Account, path: str
) -> None:
    uid, email = marked("uid"), marked_email()
    id_ = account.known(uid=uid, email=email)

    text = service.http.get(path).text

    for private in (uid, email, id_, account.id, account.secret, service.hash_key):
        assert private not in text


@pytest.mark.after_all_others
def test_no_line_of_the_log_holds_a_secret_a_uid_an_email_or_a_value(
    service: Service, account: Account
) -> None:
    value = marked()
    for answer in (
        httpx.get(f"{service.url}/v3/analyze/profile", params={"account_secret": account.secret}),
        httpx.post(
            f"{service.url}/v3/observe/hooks/{account.secret}/profiles", json={"uid": value}
        ),
        account.read(uid=value),
        account.upsert(uid=value, name=f"{value}\0"),
        account.upsert_raw(value.encode()),
        account.http.get(f"/{value}/{account.secret}"),
    ):
        assert answer.status_code < 500

    assert service.log.strip(), "nothing was captured, so this would show nothing"
    assert service.leaks() == []
