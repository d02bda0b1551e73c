"""Who holds an email, asked of every read."""

from tests.support.service import Account

WRITERS = 8


def holders(account: Account, people: list[str], email: str) -> list[str]:
    """The ids of the profiles that show an email, which is what a read by email must find."""
    shown = [id_ for id_ in people if account.profile(id=id_).get("email") == email]
    answer = account.read(email=email)
    found = [answer.json()["profile"]["id"]] if answer.status_code == 200 else []
    assert shown == found
    return shown
