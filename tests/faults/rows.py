"""What stands in the storage of a state, and a state that reads the log without publishing anything."""

from typing import Final, TypeVar

from projections import keyspace
from projections.deletions import read_waiting
from projections.emails import EmailState
from projections.partition import PartitionState
from projections.profile import Profile
from projections.profiles import ProfileState
from projections.receipts import decode_receipt
from tests.faults.cast import IDENTITY, Source
from tests.support.memory_storage import MemoryStorage, Snapshot

# Of receipts a replay gives what `receipts` says; of late records, outboxes and meta nothing.
_REPLAYED: Final = frozenset(b"DUHCVIJNXSGYTPABZEK")
_NEVER: Final = 1 << 62

_State = TypeVar("_State", bound=PartitionState)


def profile_reader(source: Source) -> ProfileState:
    """An empty state of a partition of ``profile-events`` that makes no outputs."""
    return _silent(ProfileState(MemoryStorage(), source.origin, IDENTITY))


def email_reader(source: Source) -> EmailState:
    """An empty state of a partition of ``profile-emails`` that makes no outputs."""
    return _silent(EmailState(MemoryStorage(), source.origin))


def _silent(state: _State) -> _State:
    state.resume(_NEVER)
    return state


def replayed(state: PartitionState) -> dict[bytes, bytes]:
    """The rows that every replay gives again, byte for byte."""
    return {key: row for key, row in state.storage.scan(b"", b"\xff") if key[0] in _REPLAYED}


def receipts(state: PartitionState) -> dict[str, tuple[str, str, int, int, bool]]:
    """What every replay gives again of the receipts, by deletion id: also whether they wait to be purged."""
    found = {key[1:].hex(): decode_receipt(row) for key, row in state.storage.scan(b"R", b"S")}
    waiting = {deletion.id for deletion in read_waiting(state.storage)}
    return {
        id_: (
            receipt.account,
            receipt.profile,
            receipt.requested_at,
            receipt.offset,
            id_ in waiting,
        )
        for id_, receipt in found.items()
    }


def documents(state: PartitionState) -> dict[str, Profile]:
    """All profiles by id."""
    profiles = [Profile.decode(key[1:], row) for key, row in state.storage.scan(b"D", b"E")]
    return {profile.id: profile for profile in profiles}


def claim_of(state: PartitionState, id_: str) -> bytes | None:
    """The current claim of a profile."""
    profile = documents(state).get(id_)
    return None if profile is None else profile.header.claim


def was_forgotten(state: PartitionState, id_: str) -> bool:
    return state.storage.get(keyspace.forgotten(id_)) is not None


def outbox_size(state: PartitionState) -> int:
    """How many packs of rows are there, left or not."""
    return sum(1 for _ in state.storage.scan(keyspace.OUTBOX, keyspace.after(keyspace.OUTBOX)))


def applied(rows: Snapshot) -> int:
    """How far a storage had applied its log when this picture of it was taken."""
    return int(rows.get(keyspace.APPLIED, b"-1"))
