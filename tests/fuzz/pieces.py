"""Bytes that may be long and are shown short, so that a failing example of 16 MiB fits on a line."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Final


@dataclass(frozen=True, slots=True, repr=False)
class Pieces:
    """Some bytes, each so many times, one after the other."""

    parts: tuple[tuple[bytes, int], ...] = ()

    def __add__(self, other: "Pieces") -> "Pieces":
        return Pieces(self.parts + other.parts)

    def __repr__(self) -> str:
        return (
            " + ".join(
                f"{text!r}*{times}" if times > 1 else repr(text) for text, times in self._merged()
            )
            or "b''"
        )

    def _merged(self) -> Iterable[tuple[bytes, int]]:
        """The parts, neighbours that come once as one."""
        once = b""
        for text, times in self.parts:
            if times == 1:
                once += text
                continue
            if once:
                yield once, 1
                once = b""
            yield text, times
        if once:
            yield once, 1

    def joined(self) -> bytes:
        return b"".join(text * times for text, times in self.parts)


EMPTY: Final = Pieces()


def pieces(text: bytes, times: int = 1) -> Pieces:
    """`text`, so many times."""
    return Pieces(((text, times),)) if text and times else EMPTY


def concatenated(several: Iterable[Pieces]) -> Pieces:
    return Pieces(tuple(chain.from_iterable(each.parts for each in several)))


def separated(several: Iterable[Pieces], separator: bytes) -> Pieces:
    """`separator` between each two."""
    between = pieces(separator)
    result: list[Pieces] = []
    for each in several:
        result += [between, each] if result else [each]
    return concatenated(result)
