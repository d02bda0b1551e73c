"""The errors of items: collected in bounded memory, and shown in bounded number (contract §2, §4)."""

from collections.abc import Iterable
from operator import attrgetter
from typing import Final, NamedTuple

from schemas.errors import ItemError, RequestError
from schemas.identifiers import ordinal

MAX_ERRORS: Final = 10_000
"""Errors of items in one answer, those of the lowest indexes."""

# Items are handled in slices of at most 1,000, so no error of a later slice belongs to the first 10,000.
_KEPT: Final = MAX_ERRORS + 1000


class Failures(NamedTuple):
    """The errors of an answer, in order of their index, and how many more there were."""

    shown: list[ItemError]
    left_out: int

    @classmethod
    def of(cls, errors: Iterable[ItemError], failed: int) -> "Failures":
        """The first of `failed` errors; `errors` has these at least."""
        shown = sorted(errors, key=attrgetter("index"))[:MAX_ERRORS]
        return cls(shown, failed - len(shown))

    def fields(self) -> dict[str, object]:
        """What an answer says of them; nothing when nothing failed."""
        if not self.shown:
            return {}
        left_out = {"errors_left_out": self.left_out} if self.left_out else {}
        return {"errors": self.shown, **left_out}


class ItemErrors:
    """Collects the errors of one request, slice by slice."""

    def __init__(self) -> None:
        self.kept: list[ItemError] = []
        self.count = 0

    def add(self, code: int, index: int, message: str) -> None:
        self.count += 1
        if len(self.kept) < _KEPT:
            self.kept.append(ItemError(code, index, message))

    def refuse(self, index: int, error: RequestError) -> None:
        """Adds the error of an item; its text gets the item's ordinal."""
        self.count += 1
        if len(self.kept) < _KEPT:
            self.kept.append(ItemError(error.code, index, named(error.messages[0], index)))

    def failures(self) -> Failures:
        return Failures.of(self.kept, self.count)


def named(message: str, index: int) -> str:
    """The message with the item's ordinal in it."""
    item = f"{ordinal(index + 1)} item"
    if message.startswith("The item"):
        return message.replace("item", item, 1)
    return message if item in message else f"{message} for the {item}"
