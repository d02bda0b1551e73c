"""Profiles that the tests of the contract share."""

from collections.abc import Iterator

import pytest

from tests.support.service import Account, Service, marked, marked_email


@pytest.fixture
def uid() -> str:
    """A uid that nobody has used."""
    return marked("uid")


@pytest.fixture
def email() -> str:
    """An email that nobody has used."""
    return marked_email()


@pytest.fixture(scope="session")
def witnesses(account: Account, stranger: Account) -> list[tuple[Account, str, bytes]]:
    """A profile in each account whom no test writes to: account, id, and what a read answers."""
    people = [
        (owner, owner.known(uid=marked("witness"), email=marked_email(), plan=marked()))
        for owner in (account, stranger)
    ]
    return [(owner, id_, owner.read(id=id_).content) for owner, id_ in people]


@pytest.fixture
def undisturbed(service: Service, witnesses: list[tuple[Account, str, bytes]]) -> Iterator[None]:
    """What a test sends changes nobody else, and the service goes on answering."""
    yield
    for owner, id_, before in witnesses:
        assert owner.read(id=id_).content == before
    assert service.http.get("/ready").status_code == 200


@pytest.fixture
def company() -> str:
    """The uid of a company that nobody has sent."""
    return marked("company")
