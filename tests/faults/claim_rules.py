"""What leaves out the rules of claims on their way and of the email index, one each (`tests.faults.rules`)."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from projections import email_index, keyspace
from projections.email_index import Folded, Waiting, waiting_tombstones
from projections.outbox import OutboxPosition
from projections.partition import PartitionState
from projections.storage import Storage
from projections.working_set import WorkingSet
from schemas.errors import Unavailable
from schemas.events import EmailWithdrawn, Place
from streams.partition import claim_sender, email_relay, relay
from streams.partition.catching_up import Goal
from streams.partition.claim_sender import ClaimSender
from streams.partition.email_relay import EmailRelay, Rows
from streams.partition.relay import ReadProgress, Relay
from streams.partition.settlement import Settlement
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


def nothing_is_proven(patch: pytest.MonkeyPatch) -> None:
    async def prove(_self: Relay) -> None:
        return

    patch.setattr(Relay, "_prove", prove)


def holes_ask_for_no_proof(patch: pytest.MonkeyPatch) -> None:
    prove: Callable[..., Any] = vars(Relay)["_prove"]

    async def prove_once(self: Relay) -> None:
        if vars(self)["_proven"] == vars(relay)["_NEVER"]:
            await prove(self)

    patch.setattr(Relay, "_prove", prove_once)


def holes_do_not_move_the_goal(patch: pytest.MonkeyPatch) -> None:
    def never(_goal: Goal, _state: PartitionState) -> bool:
        return False

    patch.setattr(Goal, "has_moved", never)


def tombstones_remove_no_claims(patch: pytest.MonkeyPatch) -> None:
    def keep(_state: WorkingSet, _name: bytes, _record_key: bytes) -> bool:
        return False

    patch.setattr(email_index, "_drop", keep)


def tombstones_leave_before_the_progress(patch: pytest.MonkeyPatch) -> None:
    async def at_once(self: EmailRelay, _offset: int) -> bool:
        return self.applied >= vars(self)["_last_repeat"]

    patch.setattr(EmailRelay, "_pass", at_once)


def repeats_are_not_waited_for(patch: pytest.MonkeyPatch) -> None:
    def all_alike(storage: Storage, start: int = 0) -> list[tuple[int, Waiting]]:
        rows = waiting_tombstones(storage, start)
        return [(offset, Waiting(row.keys)) for offset, row in rows]

    patch.setattr(email_relay, "waiting_tombstones", all_alike)


def tombstones_leave_in_another_order(patch: pytest.MonkeyPatch) -> None:
    append: Callable[..., Any] = vars(EmailRelay)["_append_tombstones"]

    async def last_first(self: EmailRelay, waiting: Rows) -> int:
        return await append(self, waiting[::-1])

    patch.setattr(EmailRelay, "_append_tombstones", last_first)


def releases_leave_again(patch: pytest.MonkeyPatch) -> None:
    start = EmailRelay.start

    async def from_the_beginning(self: EmailRelay, read_progress: ReadProgress) -> None:
        async def forgotten() -> int | None:
            return None if await read_progress() is None else 0

        await start(self, forgotten)

    patch.setattr(EmailRelay, "start", from_the_beginning)


def tombstones_are_made_once(patch: pytest.MonkeyPatch) -> None:
    tombstone: Callable[..., None] = vars(email_index)["_tombstone"]

    def once(state: WorkingSet, offset: int, record_key: bytes, *, of_repeat: bool = False) -> None:
        if state.publishes(offset):
            tombstone(state, offset, record_key, of_repeat=of_repeat)

    patch.setattr(email_index, "_tombstone", once)


def repeats_settle_what_waits(patch: pytest.MonkeyPatch) -> None:
    def awaits_nothing(_self: Settlement, _claim: bytes) -> bool:
        return False

    patch.setattr(Settlement, "_awaits_release", awaits_nothing)


def _no_record(_row: bytes) -> bytes:
    return b"none"
