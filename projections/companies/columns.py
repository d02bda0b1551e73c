"""What filters on companies look at: the companies by the values of one property (contract §6).

A column is made when its property is first asked for: 3 us a company, which is why the caller does it in steps. From
then on the fold keeps it as the companies are. A value is looked up; only comparisons and substrings go through the
distinct values, some 50 ns each.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from typing import Any, Final, Literal, TypeAlias, cast

from schemas.identifiers import uid_text
from schemas.search.conditions import (
    COMPANY,
    Compares,
    Contains,
    Exists,
    HasItem,
    IsNull,
    Moment,
    OneOf,
    OnProperty,
    Path,
    Scalar,
)
from schemas.search.meaning import is_identifier
from schemas.timestamps import parse_stored_timestamp

MAX_FILED: Final = 1 << 20
"""Values in all columns together, some 150 bytes each. Beyond it those that were not asked for the longest time go."""

Document: TypeAlias = Mapping[str, Any]
_Kind: TypeAlias = Literal["null", "text", "number", "boolean", "time", "array", "hash", "item"]
_Key: TypeAlias = Any  # hashable; of one kind all are of one type
_Holders: TypeAlias = str | set[str]
"""The ids of the companies with a value. Nearly always it is one, and a set would take five times its room."""

_MISSING: Final = object()
_LEAST_ROOM: Final = 1000  # of a column that nobody is filed in: names that no company has can be asked for without end


class Column:
    """The ids of an account's companies by the value that each has at `path`, inside the company: ``("plan",)``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.filed = 0
        self._is_text = is_identifier((COMPANY, *path))
        self._holders: dict[_Kind, dict[_Key, _Holders]] = {}

    def add(self, id_: str, document: Document) -> None:
        """A company is as this document says. One that was added before is added once."""
        for kind, key in self._entries(document):
            by_key = self._holders.setdefault(kind, {})
            match by_key.get(key):
                case None:
                    by_key[key] = id_
                case str() as other:
                    if other == id_:
                        continue
                    by_key[key] = {other, id_}
                case ids:
                    if id_ in ids:
                        continue
                    ids.add(id_)
            self.filed += 1

    def change(self, id_: str, before: Document | None, after: Document | None) -> None:
        """A company is no longer as the one document says, but as the other; None: it is not there."""
        if before is not None:
            self._discard(id_, before)
        if after is not None:
            self.add(id_, after)

    def _discard(self, id_: str, document: Document) -> None:
        """One that was not added is passed over: the column may be in the making."""
        for kind, key in self._entries(document):
            by_key = self._holders.get(kind, {})
            match by_key.get(key):
                case set() as ids if id_ in ids:
                    ids.remove(id_)
                    if not ids:
                        del by_key[key]
                case str() as other if other == id_:
                    del by_key[key]
                case _:
                    continue
            self.filed -= 1

    def meeting(self, condition: OnProperty) -> Set[str]:
        """The ids of the companies for which a condition on this property holds, until one of them changes."""
        all_holders = [*self._meeting(condition)]
        if len(all_holders) == 1 and isinstance(all_holders[0], set):
            return all_holders[0]  # nearly all companies may be in it
        found: set[str] = set()
        for holders in all_holders:
            if isinstance(holders, str):
                found.add(holders)
            else:
                found |= holders
        return found

    def _meeting(self, condition: OnProperty) -> Iterable[_Holders]:
        match condition:
            case Exists():
                kinds = self._holders.values()
                return (holders for by_key in kinds for holders in by_key.values())
            case IsNull():
                return self._of("null").values()
            case OneOf(_, values):
                return self._having(map(_filed, values))
            case HasItem(_, value):
                return self._having([("item", _filed(value))])
            case Compares(_, comparison, value):
                kind, bound = _filed(value)
                by_key = self._of(kind).items()
                return [holders for key, holders in by_key if comparison.holds(key, bound)]
            case Contains(_, text, ignore_case):
                texts = self._of("text").items()
                if ignore_case:
                    holds = _IgnoringCase(text).is_in
                    return [holders for key, holders in texts if holds(key)]
                return [holders for key, holders in texts if text in key]

    def _of(self, kind: _Kind) -> dict[_Key, _Holders]:
        return self._holders.get(kind, {})

    def _having(self, entries: Iterable[tuple[_Kind, _Key]]) -> Iterator[_Holders]:
        for kind, key in entries:
            if (holders := self._of(kind).get(key)) is not None:
                yield holders

    def _entries(self, document: Document) -> Iterator[tuple[_Kind, _Key]]:
        """Where a company is filed: under its value, and under each item of an array."""
        value = _at(document, self.path)
        if value is _MISSING:
            return
        if value is None:
            yield "null", None
        elif self._is_text:
            yield "text", uid_text(value)
        elif isinstance(value, list):
            yield "array", None
            for item in cast("list[str | float]", value):
                yield "item", _filed(_scalar(item))
        elif isinstance(value, dict):
            yield "hash", None
        else:
            yield _filed(_scalar(value))


class Columns:
    """The columns of all accounts, as far as they were asked for."""

    def __init__(self, max_filed: int = MAX_FILED) -> None:
        self._max_filed = max_filed
        self._columns: dict[str, dict[Path, Column]] = {}
        self._asked: OrderedDict[tuple[str, Path], Column] = OrderedDict()

    def of(self, account: str) -> Collection[Column]:
        """The account's columns: each has to hear of every change."""
        return self._columns.get(account, {}).values()

    def get(self, account: str, path: Path) -> Column | None:
        """The account's column of a property, if it is kept."""
        column = self._asked.get((account, path))
        if column is not None:
            self._asked.move_to_end((account, path))
        return column

    def begin(self, account: str, path: Path) -> Column:
        """A new column, empty: the caller adds all companies of the account, in steps that changes may come between."""
        column = Column(path)
        self._columns.setdefault(account, {})[path] = self._asked[account, path] = column
        return column

    def drop(self, account: str, path: Path) -> None:
        """Keep the column no longer."""
        del self._asked[account, path]
        del self._columns[account][path]

    def make_room(self) -> None:
        """Drop what was not asked for the longest time, but for the column that was asked for last."""
        filed = sum(map(_room, self._asked.values()))
        while filed > self._max_filed and len(self._asked) > 1:
            (account, path), column = next(iter(self._asked.items()))
            self.drop(account, path)
            filed -= _room(column)


class _IgnoringCase:
    """Looks for a substring, the case of each character ignored for itself: so that "ss" is not found in "ß"."""

    def __init__(self, part: str) -> None:
        self._lower = part.lower() if part.isascii() else None
        self._folded = _fold(part)

    def is_in(self, text: str) -> bool:
        if self._lower is not None and text.isascii():
            return self._lower in text.lower()
        return self._folded in _fold(text)


def _fold(text: str) -> str:
    """Each character case-folded, and between any two something that none folds to."""
    return "\0".join(["", *map(str.casefold, text), ""]) if text else ""


def _at(document: Document, path: Path) -> Any:
    value: Any = document
    for name in path:
        if not isinstance(value, dict):
            return _MISSING
        value = cast("dict[str, Any]", value).get(name, _MISSING)
    return value


def _scalar(value: str | float) -> Scalar:
    """A stored value in the form of conditions."""
    if isinstance(value, str) and (moment := parse_stored_timestamp(value)) is not None:
        return Moment(moment)
    return value


def _filed(value: Scalar) -> tuple[_Kind, _Key]:
    match value:
        case Moment(ms):
            return "time", ms
        case str():
            return "text", value
        case bool():
            return "boolean", value
        case _:
            return "number", value


def _room(column: Column) -> int:
    return _LEAST_ROOM + column.filed
