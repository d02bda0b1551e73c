"""How the fold of an event ends: nothing else makes a verdict, so no type of event can leave a step out."""

from collections.abc import Iterable

from projections import history, keyspace, outbox
from projections.fold.verdict import Outcome, Verdict
from projections.history import EVENT_TYPES
from projections.profile import Document, Profile
from projections.stamp import Stamp
from projections.working_set import WorkingSet
from schemas.events import ENCODER
from schemas.timestamps import format_timestamp


def close(
    state: WorkingSet,
    profile: Profile,
    stamp: Stamp,
    kind: int,
    outcome: Outcome,
    old: Document | None = None,
    *,
    changed: Iterable[str] | None = None,
    claim: bytes | None = None,
    made: bytes | None = None,
    lost: bytes | None = None,
) -> Verdict:
    """End the fold of an event onto a profile, whose document the caller has changed; `kind` is of `HistoryType`.

    `old` has the old value of each name that was changed, `NOT_THERE` where there was none; None for an event that
    leaves the document as it is. `changed` are the names that are published, where they are not those of `old`.
    The rest is the verdict's. In this order:

    1. the history has the record (rule 1), unless it has created the profile: then the header has it;
    2. the document has the event's time, the header its offset, and the row is written with the chunk;
    3. the document is published.
    """
    header = profile.header
    if header.created != stamp.offset:
        history.remember(state, profile, stamp, kind, old)
    if old is not None:
        profile.document["updated_at"] = at = format_timestamp(stamp.at)
        header.version = stamp.offset
        profile.changed()
        state.save(profile)
        if state.publishes(stamp.offset):
            _publish(state, profile, stamp, kind, at, [*(old if changed is None else changed)])
    return Verdict(outcome, stamp.offset, profile.id, claim, made, lost)


def orphan(
    state: WorkingSet,
    stamp: Stamp,
    whose: bytes = b"",
    outcome: Outcome = "missing",
    *,
    id_: str | None = None,
    lost: bytes | None = None,
) -> Verdict:
    """End the fold of a record that meets no profile, so that no forget will ever name it (rules 1 and 5).

    `whose` is the profile id or the keyed uid hash that the record is about, as far as one is known.
    """
    state.emit(stamp.offset, outbox.EventTombstone(stamp.key))
    state.put_waiting(keyspace.late(stamp.offset), whose)
    return Verdict(outcome, stamp.offset, id_, lost=lost)


def missing(state: WorkingSet, stamp: Stamp, id_: str, lost: bytes | None = None) -> Verdict:
    """End the fold of an event that names a profile by an id which no profile has."""
    return orphan(state, stamp, bytes.fromhex(id_), id_=id_, lost=lost)


def done(stamp: Stamp, id_: str | None = None, outcome: Outcome = "done") -> Verdict:
    """End the fold of an event that leaves no profile behind it: of a deletion, a batch or a company."""
    return Verdict(outcome, stamp.offset, id_)


def _publish(
    state: WorkingSet, profile: Profile, stamp: Stamp, kind: int, at: str, changed: list[str]
) -> None:
    """The public document, as ``profiles`` has it (contract §13)."""
    value = b'{"profile":%b,"event":{"type":"%b","id":"%b","at":"%b"},"changed":%b}' % (
        profile.json,
        EVENT_TYPES[kind].encode(),
        stamp.key,
        at.encode(),
        ENCODER.encode(changed),
    )
    state.emit(stamp.offset, outbox.PublicDocument(profile.id, value, profile.header.account))
