"""The data folder: it holds personal data and keys, and nobody else on the machine may read what lies in it.

1. What is made is made for its owner alone: every process of the service has the umask 077.
2. What was there is closed to others at each start, whatever the folder was before (`make_private`). No link in it is
   followed, and the folder itself is closed only where nobody else can have a use for it.
"""

import contextlib
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from schemas.errors import OperatorError

log = logging.getLogger(__name__)

UMASK: Final = 0o077
ENTRIES: Final = frozenset(
    {
        "account.secret",
        "broker",
        "faust",
        "hash.key",
        "kafka.properties",
        "node.id",
        "search",
        "service.lock",
        "state",
    }
)
_OTHERS: Final = 0o077  # the permissions of the group and of everybody
_ROOT: Final = 0
_ROOM_BYTES: Final = 1 << 20


def make_private(data: Path) -> None:
    """Make the folder where it is missing, and close what is ours in it to other users.

    The folder itself keeps its mode where it holds anything else, belongs to somebody else, or is shared by many
    (/tmp): then only the `ENTRIES` are closed. One that others may write to is reported in the log.

    Raises:
        OperatorError: one of the `ENTRIES` belongs to another user, who may have put it there for us to use.
        OSError: the folder cannot be made or read.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    data = data.resolve()
    there = [path for path in data.iterdir() if path.name in ENTRIES]
    for path in there:
        _check_owner(path, data)
    if _is_ours_alone(data):
        _deny_others(data)
    elif _is_anothers(data.stat()):
        log.warning(
            "others may write to %s, and so replace what the service keeps there", str(data)
        )
    for path in there:
        for each in _tree(path):
            _deny_others(each)


class DiskFull(OperatorError):
    """There is no room on the disk of a folder; reported in place of whatever failed of it."""

    def __init__(self, folder: Path, free: int, total: int) -> None:
        self.folder = folder
        super().__init__(
            f"the disk with {folder} is full ({free >> 10} KiB of {total >> 20} MiB are free): make room there and "
            "start again, nothing has to be repaired"
        )


def disk_full(folder: Path) -> DiskFull | None:
    """To be asked after a failure: whether the folder's disk has no room, which explains it."""
    usage = shutil.disk_usage(folder)
    return DiskFull(folder, usage.free, usage.total) if usage.free < _ROOM_BYTES else None


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone may read. Readers see the old text or the new one, never half of it."""
    handle, partial = tempfile.mkstemp(dir=path.parent)  # with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink()
        raise


def open_private(path: Path) -> IO[bytes]:
    """Open a file to append to; one that is made for it is its owner's alone."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")


def _is_anothers(found: os.stat_result) -> bool:
    """Whether another user than root may rename what lies in a folder."""
    return found.st_uid not in (os.geteuid(), _ROOT) or (
        found.st_mode & (stat.S_IWOTH | stat.S_ISVTX) == stat.S_IWOTH
    )


def is_trusted(owner: int, *, us: int, folder_owner: int) -> bool:
    """Whether what this user owns may be used: it is ours or root's, or root opens a folder of its owner's."""
    return owner in (us, _ROOT) or (us == _ROOT and owner == folder_owner)


def _check_owner(path: Path, data: Path) -> None:
    owner, folder_owner = path.lstat().st_uid, data.stat().st_uid
    if not is_trusted(owner, us=os.geteuid(), folder_owner=folder_owner):
        raise OperatorError(
            f"{path} belongs to another user of the machine: make it your own, or name another folder with --data "
            "or PROFILELOG_DATA"
        )


def _is_ours_alone(data: Path) -> bool:
    found = data.stat()
    shared = found.st_uid != os.geteuid() or found.st_mode & stat.S_ISVTX
    return not shared and all(path.name in ENTRIES for path in data.iterdir())


def _tree(path: Path) -> Iterator[Path]:
    """A file, or a folder with all below it; a link is nothing."""
    if path.is_symlink():
        return
    yield path
    for folder, folders, files in os.walk(path):
        for name in [*folders, *files]:
            yield Path(folder, name)


def _deny_others(path: Path) -> None:
    """Take every permission from others. What is not ours, or is a link, is left alone."""
    with contextlib.suppress(FileNotFoundError):  # a service that runs may remove it meanwhile
        found = path.lstat()
        ours = found.st_uid == os.geteuid() and not stat.S_ISLNK(found.st_mode)
        if ours and found.st_mode & _OTHERS:
            path.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)
