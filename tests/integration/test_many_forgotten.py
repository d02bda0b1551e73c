"""10,000 users among 200,000, forgotten by one CSV: nothing of any other user changes, and a rebuild gives the same.

Compared are the rows as they lie in the state folders of the stopped service, every one of them: the documents, and
the email index.
"""

from typing import Any, Final

from projections.auditing.state_files import shown_rows
from projections.profile import split
from tests.support.kafka import hurry
from tests.support.service import Account, Service, eventually, marked

USERS: Final = 200_000
FORGOTTEN: Final = USERS // 20
SECONDS: Final = 180.0
FORGET: Final = "/v3/edit/profiles/forget"

Rows = dict[bytes, bytes]


def fill(account: Account, mark: str) -> None:
    """Every tenth user has an email, so that half of those have one who are not forgotten."""
    items = [
        f'{{"uid":"{mark}{n}","seats":{n},"plan":"gold"'
        + (f',"email":"{mark}{n}@example.com"}}' if n % 10 == 0 else "}")
        for n in range(USERS)
    ]
    batch = account.batch_raw(f'{{"profiles":[{",".join(items)}]}}'.encode())
    assert account.applied(batch, seconds=SECONDS)["accepted"] == USERS


def forget(account: Account, mark: str) -> list[dict[str, Any]]:
    lines = ["uid", *(f"{mark}{n}" for n in range(0, USERS, 20))]
    answer = account.http.post(
        FORGET,
        content="\n".join(lines).encode(),
        headers={"Content-Type": "text/csv"},
        timeout=SECONDS,
    )
    assert answer.status_code == 202, answer.text
    assert not answer.json().get("errors")
    return answer.json()["deletions"]


def is_purged(service: Service) -> bool:
    return "deletions" not in service.http.get("/ready").json()


def rows(service: Service, topic: str, prefixes: bytes) -> Rows:
    """All rows with these prefixes, in the state folders of the topic. The service must not run."""
    folders = list((service.data / "state").glob(f"{service.prefix}{topic}-*"))
    assert folders
    return {key: row for folder in folders for key, row in shown_rows(folder) if key[0] in prefixes}


def look(service: Service) -> tuple[Rows, Rows]:
    """Stop the service; returns the documents and the email index."""
    assert service.terminate() == 0
    return rows(service, "profile-events", b"D"), rows(service, "profile-emails", b"EK")


def test_nothing_changes_for_those_who_were_not_forgotten(own_service: Service) -> None:
    account, mark = own_service.create_account("A"), marked("uid")
    fill(account, mark)
    documents, emails = look(own_service)
    assert (len(documents), len(emails)) == (USERS, 2 * USERS // 10)

    own_service.start()
    hurry(own_service)
    gone = {deletion["profile"]["id"] for deletion in forget(account, mark)}
    eventually(lambda: is_purged(own_service), seconds=SECONDS)
    left, emails_left = look(own_service)

    assert len(gone) == FORGOTTEN
    assert left == {k: row for k, row in documents.items() if split(row)[0].id not in gone}
    assert len(left) == USERS - FORGOTTEN
    assert emails_left.items() < emails.items()
    assert len(emails_left) == len(emails) - 2 * FORGOTTEN

    own_service.lose_state()
    own_service.start()
    assert is_purged(own_service)
    assert look(own_service) == (left, emails_left)
