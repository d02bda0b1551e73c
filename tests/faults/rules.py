"""The rules of the protocol, each with what leaves it out: the code as it would be if nobody had thought of it.

They reach into private parts on purpose. When one of these parts is changed, its patch is changed with it, or the
rule is no longer shown to matter.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple

import pytest

from projections.history import HistoryType
from projections.outbox import OutboxRow
from projections.partition import PartitionState
from projections.working_set import WorkingSet
from streams.partition import relay
from streams.partition.relay import ReadProgress, Relay, Rows
from streams.partition.settlement import Settlement
from tests.faults import claim_rules, claim_stories, fold_rules, stories
from tests.faults.cluster import Replica

LeaveOut = Callable[[pytest.MonkeyPatch], None]


class Rule(NamedTuple):
    """A rule: how many random schedules are more than enough, or the story, that show it.

    `together`: in a world where one node owns all.
    """

    text: str
    leave_out: LeaveOut
    schedules: int = 0
    story: stories.Story | None = None
    cuts: int = 0
    together: bool = False

    def __str__(self) -> str:
        return self.text


# ---------------------------------------------------------------------- the relay


def _the_progress_is_read_before_init(patch: pytest.MonkeyPatch) -> None:
    start = Relay.start

    async def too_early(self: Relay, read_progress: ReadProgress) -> None:
        progress = await read_progress()

        async def known() -> int | None:
            return progress

        await start(self, known)

    patch.setattr(Relay, "start", too_early)


def _rows_below_the_progress_stay(patch: pytest.MonkeyPatch) -> None:
    def resume(self: PartitionState, published: int) -> None:
        self.published = published

    patch.setattr(PartitionState, "resume", resume)


def _outputs_below_the_progress_are_made_again(patch: pytest.MonkeyPatch) -> None:
    emit = WorkingSet.emit

    def always(self: WorkingSet, offset: int, row: OutboxRow) -> None:
        with pytest.MonkeyPatch.context() as there:
            there.setattr(self, "_published", 0)
            emit(self, offset, row)

    patch.setattr(WorkingSet, "emit", always)


def _tombstones_leave_before_withdrawals(patch: pytest.MonkeyPatch) -> None:
    step = Relay.step
    send: Callable[..., Any] = vars(Relay)["_send"]
    is_plain: Callable[[OutboxRow], bool] = vars(relay)["_is_plain"]

    async def too_early(self: Relay) -> bool:
        state: PartitionState = vars(self)["_state"]
        rows = list(state.outbox_from(vars(self)["_cursor"]))
        await asyncio.gather(*(send(self, row) for _, row in rows if is_plain(row)))
        return await step(self)

    patch.setattr(Relay, "step", too_early)


def _the_progress_passes_what_is_not_acknowledged(patch: pytest.MonkeyPatch) -> None:
    plain: Callable[..., Any] = vars(Relay)["_send_plain"]
    commit: Callable[..., Any] = vars(Relay)["_commit"]

    async def too_early(self: Relay, rows: Rows) -> None:
        await commit(self, [], rows[-1][0] + 1)
        await plain(self, rows)

    patch.setattr(Relay, "_send_plain", too_early)


def _documents_of_the_forgotten_are_published(patch: pytest.MonkeyPatch) -> None:
    def nobody(_self: Relay, _ids: object) -> set[str]:
        return set()

    patch.setattr(Relay, "_forgotten", nobody)


def _nobody_waits_to_catch_up(patch: pytest.MonkeyPatch) -> None:
    # A rule of `streams.consumer_group.assignment`, whose part `Replica` plays here.
    def taken(self: Replica) -> bool:
        return self.taken

    patch.setattr(Replica, "ready", property(taken))


# ---------------------------------------------------------------------- what answers wait for


def _published_claims_count_as_settled(patch: pytest.MonkeyPatch) -> None:
    take: Callable[..., None] = vars(Settlement)["acquire_events"]

    def trusting(self: Settlement, partition: int, applied: int, _: object, claims: object) -> None:
        take(self, partition, applied, {}, claims)

    patch.setattr(Settlement, "acquire_events", trusting)


def _sent_releases_count_as_folded(patch: pytest.MonkeyPatch) -> None:
    take: Callable[..., None] = vars(Settlement)["acquire_emails"]

    def trusting(self: Settlement, partition: int, applied: int, _: object, open_: object) -> None:
        take(self, partition, applied, {}, open_)

    patch.setattr(Settlement, "acquire_emails", trusting)


def _releases_in_the_outbox_are_not_known(patch: pytest.MonkeyPatch) -> None:
    take: Callable[..., None] = vars(Settlement)["acquire_emails"]

    def blind(self: Settlement, partition: int, applied: int, ends: object, _: object) -> None:
        take(self, partition, applied, ends, ())

    patch.setattr(Settlement, "acquire_emails", blind)


def _the_ends_are_read_before_init(patch: pytest.MonkeyPatch) -> None:
    # A rule of `streams.consumer_group.assignment`, too.
    start: Callable[..., Any] = vars(Replica)["_start"]

    async def too_early(self: Replica) -> bool:
        ends = self.ends_of_outputs()
        patch.setattr(self, "ends_of_outputs", lambda: ends, raising=False)
        return await start(self)

    patch.setattr(Replica, "_start", too_early)


RULES: Final = [
    Rule(
        "a record that meets no profile gets its tombstone",
        fold_rules.orphans_keep_their_records,
        300,
    ),
    Rule(
        "a purge waits for late records",
        fold_rules.late_records_are_not_waited_for,
        story=stories.record_comes_late,
        cuts=10,
    ),
    Rule(
        "a duplicate leaves a history row",
        partial(fold_rules.forgets_to_remember, HistoryType.DUPLICATE),
        400,
    ),
    Rule(
        "a release leaves a history row",
        partial(fold_rules.forgets_to_remember, HistoryType.RELEASED),
        story=stories.who_lost_an_email_is_forgotten,
        cuts=60,
    ),
    Rule(
        "a tracked event leaves a history row",
        partial(fold_rules.forgets_to_remember, HistoryType.TRACKED),
        400,
    ),
    Rule("a repeat changes nothing", fold_rules.a_repeat_is_a_write, 300),
    Rule("a claim is withdrawn", fold_rules.claims_are_never_withdrawn, 100),
    Rule("a release names the claim", fold_rules.a_release_takes_any_claim, 1000),
    Rule(
        "a profile is forgotten once",
        fold_rules.a_profile_is_forgotten_twice,
        story=stories.writes_race_with_forgets,
        cuts=120,
    ),
    Rule(
        "a forget erases the uid's profile",
        fold_rules.a_forget_spares_who_has_the_uid,
        story=stories.forget_comes_while_a_node_replays,
        cuts=90,
    ),
    Rule("a forget refuses repeats", fold_rules.a_forget_refuses_no_repeats, 500),
    Rule(
        "a repeat is answered when its email is settled",
        fold_rules.a_repeat_is_answered_at_once,
        500,
    ),
    Rule("who held an email is released", fold_rules.nobody_is_released, 200),
    Rule("each record about a claim has its own key", claim_rules.keys_are_used_again, 50),
    Rule("a repeat of a claim is dropped", claim_rules.repeats_are_taken, 50),
    Rule("a repeat's record gets a tombstone", claim_rules.repeats_keep_their_records, 200),
    Rule(
        "a withdrawn claim's record gets a tombstone",
        claim_rules.withdrawn_claims_keep_their_records,
        50,
    ),
    Rule(
        "no claim passes an earlier one",
        claim_rules.later_claims_pass_earlier_ones,
        story=stories.request_is_lost,
        cuts=4,
    ),
    Rule("a withdrawal's record gets a tombstone", claim_rules.withdrawals_stay, 50),
    Rule("a withdrawal stands for the watermark", claim_rules.withdrawals_go_at_once, 50),
    Rule(
        "the progress passes no claim that waits",
        claim_rules.the_progress_passes_claims_that_wait,
        50,
    ),
    Rule("the progress is read after init", _the_progress_is_read_before_init, 2000),
    Rule("rows below the progress are dropped", _rows_below_the_progress_stay, 1500),
    Rule("no output is made below the progress", _outputs_below_the_progress_are_made_again, 100),
    Rule("forgotten documents are skipped", _documents_of_the_forgotten_are_published, 500),
    Rule("a node serves and relays when caught up", _nobody_waits_to_catch_up, 100),
    Rule(
        "a forget names the creating record last",
        fold_rules.a_forget_names_the_oldest_record_first,
        story=stories.forget_is_cut,
        cuts=40,
    ),
    Rule(
        "tombstones leave after withdrawals",
        _tombstones_leave_before_withdrawals,
        story=stories.forget_is_cut,
        cuts=40,
    ),
    Rule(
        "the progress passes what is acknowledged",
        _the_progress_passes_what_is_not_acknowledged,
        story=stories.forget_is_cut,
        cuts=40,
    ),
    Rule(
        "the progress is read after init",
        _the_progress_is_read_before_init,
        story=stories.source_is_taken_over,
        cuts=200,
    ),
    *(
        Rule(text, leave_out, story=stories.claim_meets_a_restart, cuts=120, together=True)
        for text, leave_out in (
            ("answers wait for claims published before", _published_claims_count_as_settled),
            ("answers wait for releases sent before", _sent_releases_count_as_folded),
            ("answers wait for releases in the outbox", _releases_in_the_outbox_are_not_known),
            ("what was published is known after init", _the_ends_are_read_before_init),
        )
    ),
    *(
        Rule(text, leave_out, story=story, cuts=2)
        for what, story in (
            ("claim", claim_stories.former_owner_wakes),
            ("release", claim_stories.former_index_wakes),
        )
        for text, leave_out in (
            (f"no {what} leaves before a proof", claim_rules.nothing_is_proven),
            (f"a {what} needs a proof after a hole", claim_rules.holes_ask_for_no_proof),
        )
    ),
    *(
        Rule(text, leave_out, story=claim_stories.index_is_lost_behind_a_repeat, cuts=100)
        for text, leave_out in (
            ("a tombstone removes the repeat it names", claim_rules.tombstones_remove_no_claims),
            (
                "the progress goes ahead of tombstones",
                claim_rules.tombstones_leave_before_the_progress,
            ),
            ("tombstones wait for those of repeats", claim_rules.repeats_are_not_waited_for),
            ("tombstones leave in the log's order", claim_rules.tombstones_leave_in_another_order),
            ("a replay makes no release again", claim_rules.releases_leave_again),
            ("a replay makes all tombstones again", claim_rules.tombstones_are_made_once),
        )
    ),
    Rule(
        "a hole moves the goal of catching up",
        claim_rules.holes_do_not_move_the_goal,
        story=claim_stories.index_is_taken_over_among_its_tombstones,
        cuts=30,
    ),
    Rule(
        "a repeat settles nothing that waits",
        claim_rules.repeats_settle_what_waits,
        story=claim_stories.claim_is_repeated_before_its_release,
        cuts=10,
        together=True,
    ),
]
