"""States that are folded again, to be read or compared: they publish nothing, and no service goes on from them."""

from pathlib import Path
from typing import Final, TypeVar

from rocksdict import Options, ReadOptions, WriteOptions

from projections.email_index import EmailState
from projections.partition import Origin, PartitionState
from projections.profiles import ProfileState
from projections.storage import RocksStorage
from schemas.identity import Identity

# Beyond every offset: the outputs of all events have left.
_NEVER: Final = 1 << 62

_State = TypeVar("_State", bound=PartitionState)


class ReplayStorage(RocksStorage):
    """A `RocksStorage` without a write-ahead log: what a crash leaves of a replay is worth nothing."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        unlogged = WriteOptions()
        unlogged.disable_wal = True  # pyright: ignore[reportAttributeAccessIssue] - its stub has a method
        self._db.set_write_options(unlogged)
        # Each look-up would check a whole block that was written a moment ago; whoever scans the rows checks them.
        unchecked = ReadOptions()
        unchecked.set_verify_checksums(False)
        self._db.set_read_options(unchecked)

    @classmethod
    def _options(cls) -> Options:
        options = super()._options()
        # A look-up costs a quarter less than through the block cache; the memory is the system's page cache.
        options.set_allow_mmap_reads(True)
        # No Kafka waits for the processor that compactions take.
        options.set_level_zero_file_num_compaction_trigger(4)
        return options


def replayed_profiles(folder: Path, origin: Origin, identity: Identity) -> ProfileState:
    """An empty state of a partition of ``profile-events`` that makes no outputs."""
    return _silent(ProfileState(ReplayStorage(folder), origin, identity))


def replayed_emails(folder: Path, origin: Origin) -> EmailState:
    """An empty state of a partition of ``profile-emails`` that makes no outputs."""
    return _silent(EmailState(ReplayStorage(folder), origin))


def _silent(state: _State) -> _State:
    state.resume(_NEVER)
    return state
