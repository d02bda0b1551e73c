"""Whether the files of an index are whole.

tantivy opens an index whose files were damaged in the middle, and answers wrongly or panics later.
Each file ends in a footer with a checksum of what is before it, which tantivy does not check.
"""

import struct
import zlib
from pathlib import Path
from typing import Final

import msgspec

from schemas.errors import ProfilelogError

_MAGIC: Final = 1337
_TAIL: Final = struct.Struct("<II")  # length of the footer's JSON, magic
_PIECE: Final = 1 << 20
_COMPONENTS: Final = ("term", "idx", "pos", "fast", "store", "fieldnorm")


class _Deletes(msgspec.Struct):
    opstamp: int


class _Segment(msgspec.Struct):
    segment_id: str
    deletes: _Deletes | None = None


class _Meta(msgspec.Struct):
    segments: list[_Segment]


class _Footer(msgspec.Struct):
    crc: int


class DamagedIndex(ProfilelogError):
    """A file of the index is missing, or is not what was written. It has to be rebuilt."""


def check_files(folder: Path) -> None:
    """Read every file that the index is made of: 1 s a gigabyte. Raises `DamagedIndex`."""
    try:
        meta = msgspec.json.decode((folder / "meta.json").read_bytes(), type=_Meta)
        for segment in meta.segments:
            for name in _file_names(segment):
                _check_file(folder / name)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DamagedIndex(f"{folder.name}: {type(error).__name__}") from None


def _file_names(segment: _Segment) -> list[str]:
    stem = segment.segment_id.replace("-", "")
    names = [f"{stem}.{component}" for component in _COMPONENTS]
    if segment.deletes is not None:
        names.append(f"{stem}.{segment.deletes.opstamp}.del")
    return names


def _check_file(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _TAIL.size))
        tail = file.read()
        length, magic = _TAIL.unpack(tail) if len(tail) == _TAIL.size else (0, 0)
        body = size - _TAIL.size - length
        if magic != _MAGIC or body < 0:
            raise DamagedIndex(f"{path.name} has no footer")
        file.seek(body)
        footer = msgspec.json.decode(file.read(length), type=_Footer)
        file.seek(0)
        crc = 0
        while body > 0:
            piece = file.read(min(_PIECE, body))
            crc = zlib.crc32(piece, crc)
            body -= len(piece)
    if crc != footer.crc:
        raise DamagedIndex(f"{path.name} is not what was written")
