"""The folder of a partition's state: which one is used as it is, and which is removed and folded again.

A folder is removed that is damaged, of a former version, or so old that it may have missed an erasure. It holds
personal data, so no copy of it is kept. Where its log cannot give it back nothing is removed, and the start ends.

A damage that is met while the service runs (`projections.storage.RocksStorage`) ends the run of the service, which
starts again in the same process (`api.server`) and so comes here. Nothing less would do: requests, relay, index and
purge all hold the state, the index has to be discarded before the first fold, and the relay has to read its progress
anew. A start does all of that.
"""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from faust.types import TP

from projections.partition import NOTHING, applied_by, layout_of
from projections.storage import RocksStorage
from schemas.errors import DamagedLog, DamagedState, OperatorError

log = logging.getLogger(__name__)

Report = Callable[[DamagedState], None]


class LogExtent(NamedTuple):
    """The first offset of a partition's log, the one from which on all tombstones are still there, and its end.

    A state that has not applied all before `kept` may have missed a tombstone.
    """

    begin: int
    kept: int
    end: int


def usable_state(
    folder: Path, tp: TP, extent: LogExtent, layout: int, report: Report | None = None
) -> RocksStorage:
    """The state in the folder; an empty one where what is there is too old, or of a layout before `layout`.

    `report` gets a damage that is met later. Raises `DamagedState`, `DamagedLog`, and `OperatorError` when the folder
    cannot be used.
    """
    storage = _open(folder, report)
    try:
        reason = _reason_to_begin_anew(storage, extent.kept, layout)
        if reason is None:
            return storage
        _check_log(tp, extent)
    except BaseException:
        storage.close()
        raise
    storage.close()
    log.info("the state of %s %s: it is folded again", folder.name, reason)
    _remove(folder)
    return _open(folder, report)


def remove_damaged(damage: DamagedState, tp: TP, extent: LogExtent, published: int | None) -> str:
    """Removes a damaged folder; returns what an operator should know.

    `published` is the progress of the partition, None where there is none. Raises `DamagedLog`, and `OperatorError`
    where outputs would be published again.
    """
    folder = damage.folder
    if extent.end > 0 or any(folder.glob("*.sst")):  # else it was never begun
        _check_log(tp, extent)
        check_published(tp, extent.end, published)
        if published is None:
            raise OperatorError(
                f"the state folder {folder.name} is damaged, and nothing says which of its outputs were published: "
                "put the topic `progress` back from another replica or a backup; or remove the folder, if no consumer "
                "minds to see everything again"
            )
    _remove(folder)
    repair = (
        f"the state folder {folder.name} was damaged{damage.where}: it was removed and the partition folded again from "
        "its log; check the disk"
    )
    log.error("%s", repair)
    return repair


def check_published(tp: TP, end: int, published: int | None) -> None:
    """Raises `DamagedLog` when outputs were published of events that are behind the log's end.

    New events would get offsets whose outputs count as published, and nobody would hear of them.
    """
    if published is not None and published > end:
        what = f"it ends there, and what followed from all before offset {published} was published"
        raise DamagedLog(*tp, end, what)


def _open(folder: Path, report: Report | None) -> RocksStorage:
    try:
        return RocksStorage(folder, report)
    except OperatorError:
        raise
    except Exception as error:  # the binding's own are of no other type
        reason = error.strerror if isinstance(error, OSError) else str(error).partition("\n")[0]
        raise OperatorError(
            f"the state folder {folder.name} cannot be used ({reason}): nothing of it was removed; see to its disk and "
            "to who may write there"
        ) from error


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise OperatorError(
            f"the state folder {folder.name} has to be folded again and cannot be removed ({error.strerror}): see to "
            "its disk and to who may write there, or remove it yourself"
        ) from error


def _check_log(tp: TP, extent: LogExtent) -> None:
    """Raises `DamagedLog` where the log lacks its beginning, so that folding it again gives less than there was."""
    if extent.begin > 0:
        what = f"it begins at offset {extent.begin}, so its state cannot be folded again"
        raise DamagedLog(*tp, 0, what)
    if extent.end == 0:
        raise DamagedLog(*tp, 0, "it is empty, and its state is not")


def _reason_to_begin_anew(storage: RocksStorage, kept: int, layout: int) -> str | None:
    found = layout_of(storage)
    if found is not None and found < layout:
        return "is a former version's"
    # An email claim whose tombstone was never seen would stay in the index for ever.
    if NOTHING < applied_by(storage) < kept - 1:
        return "may have missed what was erased since"
    return None
