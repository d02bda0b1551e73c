"""Whom an email means in the middle of a batch, whose items are not folded yet (contract §4)."""

from collections.abc import Callable

from api.commands.drafting import Draft
from projections.profile import StoredProfile
from schemas.identifiers import fold_email, uid_text


class BatchEmails:
    """Follows what the items of one batch, in order, do to emails: they settle only when the batch is folded.

    `by_email` finds who held an email before.
    """

    def __init__(self, by_email: Callable[[str], StoredProfile | None]) -> None:
        self._by_email = by_email
        # The uid that an item gave an email to, None once its claimant has released it; and each such uid's email.
        self._holders: dict[str, int | str | None] = {}
        self._claimed: dict[str, str | None] = {}

    def note(self, uid: int | str, write: Draft) -> None:
        """Remembers the email that an item sets or unsets; `uid` is the user's."""
        name = uid_text(uid)
        before = self._claimed.get(name)
        holder = None if before is None else self._holders.get(before)
        if before is not None and holder is not None and uid_text(holder) == name:
            self._holders[before] = None
        after = None if write.email is None else fold_email(write.email)
        self._claimed[name] = after
        if after is not None:
            self._holders[after] = uid

    def holder(self, email: str) -> StoredProfile | int | str | None:
        """The holder of the email after the items so far: the uid that one of them gave, or the profile of before."""
        folded = fold_email(email)
        if folded in self._holders:
            return self._holders[folded]
        found = self._by_email(email)
        if found is not None and self._claimed:
            held = self._claimed.get(uid_text(found.document()["uid"]), folded)
            if held != folded:
                return None
        return found
