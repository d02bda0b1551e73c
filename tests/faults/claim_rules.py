"""What leaves out the rules of claims on their way and of the email index, one each (`tests.faults.rules`)."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from projections import email_index, keyspace
from projections.email_index import Folded
from projections.outbox import OutboxPosition
from projections.working_set import WorkingSet
from schemas.errors import Unavailable
from schemas.events import EmailWithdrawn, Place
from streams.partition import claim_sender
from streams.partition.claim_sender import ClaimSender
from streams.partition.relay import Relay
from tests.support.memory_log import Record


def keys_are_used_again(patch: pytest.MonkeyPatch) -> None:
    def same(names: Sequence[bytes]) -> list[bytes]:
        return list(names)

    patch.setattr(claim_sender, "claim_record_keys", same)


def repeats_are_taken(patch: pytest.MonkeyPatch) -> None:
    def always(_state: WorkingSet, _record: Record, _place: Place, _is_withdrawal: bool) -> bool:
        return True

    patch.setattr(email_index, "_take", always)


def the_progress_passes_claims_that_wait(patch: pytest.MonkeyPatch) -> None:
    step, send = Relay.step, Relay.send_claims

    async def claims_last(self: Relay) -> bool:
        before = self.applied
        done = await step(self)
        await send(self, before)
        return done

    async def nothing(_self: Relay, _offset: int) -> None:
        return

    patch.setattr(Relay, "send_claims", nothing)
    patch.setattr(Relay, "step", claims_last)


def repeats_keep_their_records(patch: pytest.MonkeyPatch) -> None:
    take: Callable[..., bool] = vars(email_index)["_take"]

    def quiet(state: WorkingSet, record: Record, place: Place, is_withdrawal: bool) -> bool:
        rows = dict(vars(state)["_rows"])
        taken = take(state, record, place, is_withdrawal)
        if not taken:
            patch.setattr(state, "_rows", rows)
        return taken

    patch.setattr(email_index, "_take", quiet)


def withdrawn_claims_keep_their_records(patch: pytest.MonkeyPatch) -> None:
    fold: Callable[..., Folded | None] = vars(email_index)["_fold"]

    def quiet(state: WorkingSet, record: Record, event: object) -> Folded | None:
        if not isinstance(event, EmailWithdrawn):
            return fold(state, record, event)
        with pytest.MonkeyPatch.context() as there:
            there.setattr(keyspace, "claim_record", _no_record)
            return fold(state, record, event)

    patch.setattr(email_index, "_fold", quiet)


def withdrawals_stay(patch: pytest.MonkeyPatch) -> None:
    take: Callable[..., bool] = vars(email_index)["_take"]

    def unmarked(state: WorkingSet, record: Record, place: Place, _: bool) -> bool:
        return take(state, record, place, False)

    patch.setattr(email_index, "_take", unmarked)


def withdrawals_go_at_once(patch: pytest.MonkeyPatch) -> None:
    take: Callable[..., bool] = vars(email_index)["_take"]
    tombstone: Callable[..., None] = vars(email_index)["_tombstone"]

    def hasty(state: WorkingSet, record: Record, place: Place, is_withdrawal: bool) -> bool:
        taken = take(state, record, place, False)
        if taken and is_withdrawal:
            tombstone(state, record.offset, record.key)
        return taken

    patch.setattr(email_index, "_take", hasty)


def later_claims_pass_earlier_ones(patch: pytest.MonkeyPatch) -> None:
    send: Callable[..., Any] = vars(ClaimSender)["_send_some"]

    async def careless(self: ClaimSender, offset: int) -> bool:
        before: OutboxPosition = vars(self)["_position"]
        try:
            return await send(self, offset)
        except Unavailable:
            patch.setattr(self, "_position", (before[0] + 1, 0))
            return True

    patch.setattr(ClaimSender, "_send_some", careless)


def _no_record(_row: bytes) -> bytes:
    return b"none"
