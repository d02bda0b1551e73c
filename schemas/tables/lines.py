"""Lines of UTF-8 from the bytes of a text file, however these come in chunks."""

import codecs
from collections.abc import Iterable, Iterator
from typing import Final

from schemas.errors import ProfilelogError

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LONGEST_MARK: Final = 3


class UnreadableTable(ProfilelogError):
    """A file that cannot be read, from a line on; lines count from 1.

    `reason` says what is wrong, as the end of a sentence that begins with the file's name. It holds nothing that
    stands in the file.
    """

    def __init__(self, reason: str, line: int) -> None:
        super().__init__(f"{reason}, from line {line} on")
        self.line = line


def split_lines(chunks: Iterable[bytes], longest: int) -> Iterator[bytes]:
    """Each line with its end, which is LF, CRLF or CR.

    A byte order mark is left out, and UTF-16 that has one becomes UTF-8; other bytes stay as they are. Memory is
    bounded by `longest`, in bytes of UTF-8, and the longest chunk. Raises `UnreadableTable` for a longer line.
    """
    number = 0
    rest = b""
    for chunk in _as_utf8(chunks):
        lines = (rest + chunk).splitlines(keepends=True)
        # A CR at the end of a chunk may be half of a CRLF.
        rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        for line in lines:
            number += 1
            _check_length(line, longest, number)
            yield line
        _check_length(rest, longest, number + 1)
    if rest:
        yield rest


def _check_length(line: bytes, longest: int, number: int) -> None:
    if len(line) > longest:
        raise UnreadableTable(f"has a line of more than {longest} bytes", number)


def _as_utf8(chunks: Iterable[bytes]) -> Iterator[bytes]:
    chunks = iter(chunks)
    head = b""
    while len(head) < _LONGEST_MARK and (chunk := next(chunks, b"")):
        head += chunk
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            head = head.removeprefix(mark)
            if encoding != "utf-8":
                chunks = _transcoded(encoding, head, chunks)
                head = b""
            break
    yield head
    yield from chunks


def _transcoded(encoding: str, head: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """UTF-16 as UTF-8. What is no text becomes bytes that are no UTF-8, so that it is refused by its own line."""
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    yield decoder.decode(head).encode("utf-8", "surrogatepass")
    for chunk in chunks:
        yield decoder.decode(chunk).encode("utf-8", "surrogatepass")
    if decoder.getstate()[0]:
        yield b"\xff"  # half a character
