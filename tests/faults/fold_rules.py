"""What leaves out the rules of the fold, one each (`tests.faults.rules`)."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from projections import email_index, history, keyspace, repeats
from projections.fold import claims, email_released, ending, profile_forgotten, profile_upserted
from projections.fold.verdict import Outcome, Verdict
from projections.outbox import EventTombstone, OutboxRow
from projections.profile import Document, Profile
from projections.stamp import Stamp
from projections.working_set import WorkingSet
from schemas.events import EmailReleased, ProfileForgotten


def orphans_keep_their_records(patch: pytest.MonkeyPatch) -> None:
    def orphan(
        _state: WorkingSet,
        stamp: Stamp,
        _whose: bytes = b"",
        outcome: Outcome = "missing",
        *,
        id_: str | None = None,
        lost: bytes | None = None,
    ) -> Verdict:
        return Verdict(outcome, stamp.offset, id_, lost=lost)

    patch.setattr(ending, "orphan", orphan)


def late_records_are_not_waited_for(patch: pytest.MonkeyPatch) -> None:
    put: Callable[[WorkingSet, bytes, bytes], None] = vars(WorkingSet)["put_waiting"]

    def put_deletions(self: WorkingSet, key: bytes, value: bytes) -> None:
        if not key.startswith(keyspace.LATE):
            put(self, key, value)

    patch.setattr(WorkingSet, "put_waiting", put_deletions)


def forgets_to_remember(kind: int, patch: pytest.MonkeyPatch) -> None:
    remember: Callable[..., None] = vars(history)["remember"]

    def remember_others(
        state: WorkingSet,
        profile: Profile,
        stamp: Stamp,
        type_: int,
        old: Document | None = None,
    ) -> None:
        if type_ != kind:
            remember(state, profile, stamp, type_, old)

    patch.setattr(history, "remember", remember_others)


def a_repeat_is_a_write(patch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> bool:
        return False

    patch.setattr(repeats, "is_repeated", never)


def claims_are_never_withdrawn(patch: pytest.MonkeyPatch) -> None:
    def withdraw(_state: WorkingSet, profile: Profile, *_: object) -> list[object]:
        profile.header.claim = None
        return []

    patch.setattr(claims, "withdraw", withdraw)


def a_release_takes_any_claim(patch: pytest.MonkeyPatch) -> None:
    released: Callable[..., Verdict] = vars(email_released)["fold"]

    def take(state: WorkingSet, event: EmailReleased, *facts: Any) -> Verdict:
        profile = state.profile_by_id(event.id)
        if profile is not None and profile.header.claim is not None:
            event = msgspec.structs.replace(event, claim=profile.header.claim.decode())
        return released(state, event, *facts)

    patch.setattr(email_released, "fold", take)


def forget(
    patch: pytest.MonkeyPatch,
    change: Callable[[WorkingSet, ProfileForgotten], ProfileForgotten],
) -> None:
    """Change what a forget is about before it is folded."""
    forgotten: Callable[..., Verdict] = vars(profile_forgotten)["fold"]

    def changed(state: WorkingSet, event: ProfileForgotten, *facts: Any) -> Verdict:
        return forgotten(state, change(state, event), *facts)

    patch.setattr(profile_forgotten, "fold", changed)


def a_profile_is_forgotten_twice(patch: pytest.MonkeyPatch) -> None:
    def unknown(state: WorkingSet, event: ProfileForgotten) -> ProfileForgotten:
        state.delete(keyspace.forgotten(event.id))
        return event

    forget(patch, unknown)


def a_forget_spares_who_has_the_uid(patch: pytest.MonkeyPatch) -> None:
    forgotten: Callable[..., Verdict] = vars(profile_forgotten)["fold"]

    def only_the_id(state: WorkingSet, event: ProfileForgotten, *facts: Any) -> Verdict:
        profile = state.profile

        def with_the_id(user: bytes) -> Profile | None:
            found = profile(user)
            return found if found is not None and found.id == event.id else None

        with pytest.MonkeyPatch.context() as there:
            there.setattr(state, "profile", with_the_id)
            return forgotten(state, event, *facts)

    patch.setattr(profile_forgotten, "fold", only_the_id)


def a_forget_refuses_no_repeats(patch: pytest.MonkeyPatch) -> None:
    forget(patch, lambda _, event: msgspec.structs.replace(event, spent=[]))


def a_forget_names_the_oldest_record_first(patch: pytest.MonkeyPatch) -> None:
    forgotten: Callable[..., Verdict] = vars(profile_forgotten)["fold"]

    def oldest_first(
        state: WorkingSet, event: ProfileForgotten, stamp: Stamp, *facts: Any
    ) -> Verdict:
        emit = state.emit
        tombstones: list[OutboxRow] = []

        def hold_back(offset: int, row: OutboxRow) -> None:
            if isinstance(row, EventTombstone):
                tombstones.append(row)
            else:
                emit(offset, row)

        with pytest.MonkeyPatch.context() as there:
            there.setattr(state, "emit", hold_back)
            verdict = forgotten(state, event, stamp, *facts)
        for row in reversed(tombstones):
            emit(stamp.offset, row)
        return verdict

    patch.setattr(profile_forgotten, "fold", oldest_first)


def a_repeat_is_answered_at_once(patch: pytest.MonkeyPatch) -> None:
    upserted: Callable[..., Verdict] = vars(profile_upserted)["fold"]

    def hasty(*facts: Any) -> Verdict:
        verdict = upserted(*facts)
        return (
            msgspec.structs.replace(verdict, claim=None)
            if verdict.outcome == "duplicate"
            else verdict
        )

    patch.setattr(profile_upserted, "fold", hasty)


def nobody_is_released(patch: pytest.MonkeyPatch) -> None:
    evolve: Callable[..., email_index.Folded | None] = vars(email_index)["_claim"]

    def silent(state: WorkingSet, *facts: Any) -> email_index.Folded | None:
        with pytest.MonkeyPatch.context() as there:
            there.setattr(state, "emit", _nothing)
            return evolve(state, *facts)

    patch.setattr(email_index, "_claim", silent)


def _nothing(*_: object) -> None:
    return None
