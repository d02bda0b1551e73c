"""Which profile an upsert or a tracked event is about, and whether the event is a repeat (rules 4 and 6)."""

from typing import Any

from projections import history, repeats
from projections.fold import ending
from projections.fold.verdict import Verdict
from projections.history import HistoryType
from projections.profile import Header, Profile
from projections.stamp import Stamp
from projections.working_set import WorkingSet
from schemas import identity
from schemas.events import AboutUser, EventTracked
from schemas.timestamps import format_timestamp


def addressed(
    state: WorkingSet, event: AboutUser, stamp: Stamp, user: bytes | None
) -> Profile | Verdict | None:
    """The profile that an event is about, None for one to be created; or the verdict that it changes nothing."""
    if user is not None:
        profile = state.profile(user)
    elif event.id is None:
        return ending.orphan(state, stamp)
    else:
        profile = state.profile_by_id(event.id)
        if profile is None:
            return ending.missing(state, stamp, event.id)
    if event.idempotency is not None:
        repeated = _repeated(state, profile, event, event.idempotency, stamp, user)
        if repeated is not None:
            return repeated
    return profile


def create(
    state: WorkingSet,
    event: AboutUser,
    stamp: Stamp,
    user: bytes,
    kind: int,
) -> Profile:
    """A new profile for the user with this keyed uid hash; `kind` is of `HistoryType`."""
    id_ = identity.profile_id(user[0] << 8 | user[1], stamp.key)
    at = format_timestamp(stamp.at)
    document: dict[str, Any] = {
        "id": id_,
        "uid": event.uid,
        "created_at": at,
        "updated_at": at,
        "percent": identity.percent(stamp.key),
    }
    header = Header(event.account, id_, stamp.offset, stamp.offset, history.creation(stamp, kind))
    profile = Profile(user, header, document)
    state.add(profile)
    return profile


def _repeated(
    state: WorkingSet,
    profile: Profile | None,
    event: AboutUser,
    repeat: str,
    stamp: Stamp,
    user: bytes | None,
) -> Verdict | None:
    """Rule 6, and what rule 4 refuses: the verdict of a repeat; None for a first attempt."""
    if repeats.is_spent(state, repeat, event.at):
        whose = user if user is not None else bytes.fromhex(event.id or "")
        return ending.orphan(state, stamp, whose, "spent")
    if profile is None or not repeats.is_repeated(state, profile.id, repeat, event.at):
        return None
    tracks = isinstance(event, EventTracked)
    kind = HistoryType.TRACKED_DUPLICATE if tracks else HistoryType.DUPLICATE
    # The first attempt's claim may still be on its way, and this answer shows the email too.
    claim = profile.header.claim if "email" in event.properties else None
    return ending.close(state, profile, stamp, kind, "duplicate", claim=claim)
