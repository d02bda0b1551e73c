"""What filters on companies compare: the companies by the values of one property (contract §6).

A column is made when its property is first asked for: 3 us a company, which is why the caller does it in steps. From
then on the fold keeps it as the companies are. A value is looked up; comparisons and substrings go through the distinct
values, 50 ns each, and where the case of other letters than ASCII's is ignored, 20 ns a character.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from typing import Any, Final, Literal, TypeAlias, cast

from schemas.events import ENCODER
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
from schemas.search.numbers import stored_integer
from schemas.search.operators import is_identifier
from schemas.timestamps import parse_stored_timestamp

MAX_BYTES: Final = 128 << 20
"""Of all columns together. Beyond it those that were not asked for the longest time go."""

Document: TypeAlias = Mapping[str, Any]
_Kind: TypeAlias = Literal["null", "text", "number", "boolean", "time", "array", "hash", "item"]
_Key: TypeAlias = Any  # hashable; of one kind all are of one type
_Holders: TypeAlias = str | set[str]
"""The ids of the companies with a value. Nearly always it is one, and a set would take five times its room."""

_MISSING: Final = object()
_SLICE: Final = 100
_ENTRY_BYTES: Final = 150
# Names that no company has can be asked for without end, and each column hears of every change.
_EMPTY_BYTES: Final = 1 << 20


class Column:
    """The ids of an account's companies by the value that each has at `path`, inside the company: ``("plan",)``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bytes = _EMPTY_BYTES
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
            self.bytes += _bytes(key)

    def change(self, id_: str, before: Document | None, after: Document | None) -> None:
        """A company is no longer as the one document says, but as the other; None: it is not there."""
        name = self.path[0]
        if before and after and _is_same(before.get(name, _MISSING), after.get(name, _MISSING)):
            return
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
            self.bytes -= _bytes(key)

    def meeting(self, condition: OnProperty) -> Iterator[Set[str]]:
        """The ids of the companies for which a condition on this property holds, in steps of a millisecond or so.

        Companies may change between two steps.
        """
        for holders in self._meeting(condition):
            found: set[str] = set()
            for each in holders:
                if isinstance(each, str):
                    found.add(each)
                else:
                    found |= each
            yield found

    def _meeting(self, condition: OnProperty) -> Iterator[Iterable[_Holders]]:
        match condition:
            case Exists():
                for by_key in [*self._holders.values()]:
                    for entries in _in_slices(by_key):
                        yield [holders for _, holders in entries]
            case IsNull():
                yield self._of("null").values()
            case OneOf(_, values):
                yield self._having(map(_filed, values))
            case HasItem(_, value):
                yield self._having([("item", _filed(value))])
            case Compares(_, comparison, value):
                kind, bound = _filed(value)
                compare = comparison.operator
                for entries in _in_slices(self._of(kind)):
                    yield [holders for key, holders in entries if compare(key, bound)]
            case Contains(_, text, ignore_case):
                holds = _IgnoringCase(text).is_in if ignore_case else _Literal(text).is_in
                for entries in _in_slices(self._of("text")):
                    yield [holders for key, holders in entries if holds(key)]

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
                for filed in _all_filed(item):
                    yield "item", filed
        elif isinstance(value, dict):
            yield "hash", None
        else:
            yield from _all_filed(value)


class Columns:
    """The columns of all accounts, as far as they were asked for."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._columns: dict[str, dict[Path, Column]] = {}
        self._whole: OrderedDict[tuple[str, Path], Column] = OrderedDict()

    def of(self, account: str) -> Collection[Column]:
        """The account's columns, those in the making too: each has to hear of every change."""
        return self._columns.get(account, {}).values()

    def get(self, account: str, path: Path) -> Column | None:
        """The account's column of a property, if it is there and whole."""
        column = self._whole.get((account, path))
        if column is not None:
            self._whole.move_to_end((account, path))
            self._make_room()
        return column

    def begin(self, account: str, path: Path) -> Column:
        """A new column, empty: the caller adds all companies of the account, in steps that changes may come between."""
        column = Column(path)
        self._columns.setdefault(account, {})[path] = column
        return column

    def finish(self, account: str, path: Path) -> None:
        """All companies were added."""
        self._whole[account, path] = self._columns[account][path]
        self._make_room()

    def drop(self, account: str, path: Path) -> None:
        """Keep the column no longer."""
        self._whole.pop((account, path), None)
        del self._columns[account][path]

    def _make_room(self) -> None:
        """Drop what was not asked for the longest time, but for what was asked for last."""
        kept = sum(column.bytes for column in self._whole.values())
        while kept > self._max_bytes and len(self._whole) > 1:
            (account, path), column = next(iter(self._whole.items()))
            self.drop(account, path)
            kept -= column.bytes


class _Literal:
    """Finds a substring."""

    def __init__(self, part: str) -> None:
        self._part = part

    def is_in(self, text: str) -> bool:
        return self._part in text


class _IgnoringCase:
    """Finds a substring, the case of each character ignored for itself: so that "ss" is not found in "ß"."""

    def __init__(self, part: str) -> None:
        self._lower = part.lower() if part.isascii() else None
        self._folded = _fold(part)

    def is_in(self, text: str) -> bool:
        if self._lower is not None and text.isascii():
            return self._lower in text.lower()
        return self._folded in _fold(text)


def _in_slices(by_key: dict[_Key, _Holders]) -> Iterator[list[tuple[_Key, _Holders]]]:
    """The entries as they are now, some at a time."""
    entries = [*by_key.items()]
    for start in range(0, len(entries), _SLICE):
        yield entries[start : start + _SLICE]


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


def _is_same(value: Any, other: Any) -> bool:
    """Of one kind too: 1 is not true."""
    if value is other or isinstance(value, str):
        return value == other
    return value == other and ENCODER.encode(value) == ENCODER.encode(other)


def _scalar(value: str | float) -> Scalar:
    """A stored value in the form of conditions."""
    if isinstance(value, str) and (moment := parse_stored_timestamp(value)) is not None:
        return Moment(moment)
    return value


def _all_filed(value: str | float) -> Iterator[tuple[_Kind, _Key]]:
    """Where a stored value is filed: a text that spells an integer as both."""
    scalar = _scalar(value)
    yield _filed(scalar)
    if isinstance(scalar, str) and (integer := stored_integer(scalar)) is not None:
        yield _filed(integer)


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


def _bytes(key: _Key) -> int:
    return _ENTRY_BYTES + len(key) if isinstance(key, str) else _ENTRY_BYTES
