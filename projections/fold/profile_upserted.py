"""The fold of `ProfileUpserted`: what a product knows of a user is merged into the profile."""

from typing import Final

import msgspec

from projections import memberships, repeats
from projections.fold import addressing, claims, ending
from projections.fold.verdict import Verdict
from projections.history import NOT_THERE, HistoryType
from projections.profile import Document, Profile
from projections.stamp import Stamp
from projections.working_set import WorkingSet
from schemas.events import ENCODER, ProfileUpserted
from schemas.identity import Identity

# A public record holds the document and the names that changed, and must fit a record of the log (4 MiB).
MAX_DOCUMENT_BYTES: Final = 3 << 19


def fold(
    state: WorkingSet,
    event: ProfileUpserted,
    stamp: Stamp,
    user: bytes | None,
    size: int,
    identity_: Identity,
) -> Verdict:
    """Merge the event, of `size` bytes, into the profile of `user` or of the id that it names."""
    profile = addressing.addressed(state, event, stamp, user)
    if isinstance(profile, Verdict):
        return profile
    held = 0 if profile is None else len(profile.json)
    if held + size > MAX_DOCUMENT_BYTES and not _fits(profile, event):
        if profile is None:
            return ending.orphan(state, stamp, user or b"", "too_large")
        return ending.close(state, profile, stamp, HistoryType.REFUSED, "too_large")
    created = profile is None
    if profile is None:
        assert user is not None
        profile = addressing.create(state, event, stamp, user, HistoryType.UPSERTED)
    if event.idempotency is not None:
        repeats.remember(state, profile.id, event, stamp.offset, created=created)
    before = profile.header.claim
    old = _merge(state, profile, event)
    if "email" in old:
        email = None if old["email"] == NOT_THERE else old["email"]
        claims.change(state, profile, email, event.account, stamp, identity_)
    claim = profile.header.claim if "email" in event.properties else None
    made = claim if claim != before and state.publishes(stamp.offset) else None
    outcome = "created" if created else "updated"
    return ending.close(
        state, profile, stamp, HistoryType.UPSERTED, outcome, old, claim=claim, made=made
    )


def _merge(state: WorkingSet, profile: Profile, event: ProfileUpserted) -> Document:
    """Change the document; returns the old value of each name that changed, for its history."""
    document = profile.document
    old: Document = {}
    for name, value in event.properties.items():
        held = document.get(name, NOT_THERE)
        if name == "company_id" and memberships.joins_none(state, profile, value):
            if document.pop(name, None) is not None:
                old[name] = held
        elif held is NOT_THERE or held != value or not _same(held, value):
            document[name] = value
            old[name] = held
    for name in event.unset:
        if name in document:
            old.setdefault(name, document.pop(name))
    if event.uid is not None and type(event.uid) is not type(document["uid"]):
        old["uid"] = document["uid"]
        document["uid"] = event.uid
    company = document.get("company_id")
    if company != profile.header.company:
        memberships.move(state, profile, company)
    return old


def _fits(profile: Profile | None, event: ProfileUpserted) -> bool:
    """Whether the document stays within its limit."""
    merged = {**(profile.document if profile else {}), **event.properties}
    for name in event.unset:
        merged.pop(name, None)
    return len(ENCODER.encode(merged)) <= MAX_DOCUMENT_BYTES


def _same(old: object, new: object) -> bool:
    """Equal as JSON, of values that Python calls equal: 1, 1.0 and true are three."""
    if type(old) is not type(new):
        return False
    if isinstance(old, dict | list):
        return msgspec.json.encode(old) == msgspec.json.encode(new)
    return old == new
