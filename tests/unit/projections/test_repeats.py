"""The memory of idempotency ids: what a repeat finds, and that it does not grow for ever (contract §14)."""

from collections.abc import Sequence
from typing import Any

import pytest

from projections.repeats import REPEAT_WINDOW_MS
from schemas.events import BatchOpened, ProfileForgotten
from tests.support.folding import ACCOUNT, AT, Profiles, rows, tracked, upserted, user

HOUR_MS = 3600 * 1000
REQUEST = "f" * 32


def repeat(number: int) -> str:
    """An idempotency id, as far apart as hashes are."""
    return f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}{number:016x}"


def forgotten(
    id_: str, uid: str = "ada", at: int = AT, spent: Sequence[str] = ()
) -> ProfileForgotten:
    return ProfileForgotten(
        account=ACCOUNT,
        at=at,
        id=id_,
        user=user(uid).hex(),
        deletion="d" * 24,
        spent=list(spent),
    )


def count(profiles: Profiles, prefix: str) -> int:
    return sum(row[:1] == prefix.encode() for row in rows(profiles.state))


def test_a_repeat_finds_what_the_first_attempt_was_answered(profiles: Profiles) -> None:
    id_ = profiles.create("ada", idempotency=repeat(1), fingerprint=REQUEST)
    profiles.put(upserted("ada", AT + 5, plan="gold", idempotency=repeat(2)))
    profiles.put(upserted("ada", AT + 9, idempotency=repeat(1), fingerprint=REQUEST))

    assert profiles.state.first_attempt(repeat(1), AT) == (id_, AT, 0, True, REQUEST)
    assert profiles.state.first_attempt(repeat(2), AT) == (id_, AT + 5, 1, False, "0" * 32)
    assert profiles.state.first_attempt(repeat(3), AT) is None


def test_a_first_attempt_counts_for_a_day(profiles: Profiles) -> None:
    profiles.create("ada", idempotency=repeat(1))

    assert profiles.state.first_attempt(repeat(1), AT + REPEAT_WINDOW_MS - 1) is not None
    assert profiles.state.first_attempt(repeat(1), AT + REPEAT_WINDOW_MS) is None


def test_writes_and_tracked_events_share_their_ids(profiles: Profiles) -> None:
    profiles.create("ada", idempotency=repeat(1))

    assert profiles.put(tracked("signed_up", idempotency=repeat(1))).outcome == "duplicate"


def test_what_is_refused_is_not_remembered(profiles: Profiles) -> None:
    big: dict[str, Any] = {f"p{n}": "x" * 768 for n in range(2100)}
    profiles.create("ada")

    verdict = profiles.put(upserted("ada", idempotency=repeat(1), **big))
    orphan = profiles.put(upserted(None, id="f" * 24, idempotency=repeat(2)))

    assert (verdict.outcome, orphan.outcome) == ("too_large", "missing")
    for number in (1, 2):
        assert profiles.state.first_attempt(repeat(number), AT) is None


def test_a_repeat_that_would_not_fit_any_more_is_still_a_repeat(profiles: Profiles) -> None:
    half: dict[str, Any] = {f"p{n}": "x" * 768 for n in range(1200)}
    profiles.create("ada", idempotency=repeat(1), **half)
    other: dict[str, Any] = {f"q{n}": "x" * 768 for n in range(800)}
    profiles.put(upserted("ada", **other))

    assert profiles.put(upserted("ada", idempotency=repeat(1), **half)).outcome == "duplicate"


def test_a_forget_leaves_the_id_alone_and_refuses_it_for_a_day(profiles: Profiles) -> None:
    id_ = profiles.create("ada", idempotency=repeat(1))

    profiles.put(forgotten(id_, at=AT + HOUR_MS, spent=profiles.state.repeats(id_, AT + HOUR_MS)))

    assert (count(profiles, "I"), count(profiles, "J"), count(profiles, "S")) == (0, 0, 1)
    late = AT + HOUR_MS + REPEAT_WINDOW_MS
    for at, refused, outcome in ((late - 1, True, "spent"), (late, False, "created")):
        assert profiles.state.refuses(repeat(1), at) is refused
        assert profiles.put(upserted("ada", at, idempotency=repeat(1))).outcome == outcome


def test_a_forget_spares_an_id_that_leads_to_somebody_else(profiles: Profiles) -> None:
    ada = profiles.create("ada", idempotency=repeat(1))
    bob = profiles.create("bob", idempotency=repeat(1))

    profiles.put(forgotten(ada))

    first = profiles.state.first_attempt(repeat(1), AT)
    assert first is not None
    assert first.id == bob


def test_a_batch_is_known_by_its_first_event_for_a_day(profiles: Profiles) -> None:
    profiles.put(BatchOpened(account=ACCOUNT, at=AT, id="b" * 24, fingerprint=REQUEST))

    assert profiles.state.opened_batch("b" * 24, AT + 1) == (AT, REQUEST)
    assert profiles.state.opened_batch("b" * 24, AT + REPEAT_WINDOW_MS) is None
    assert profiles.state.opened_batch("c" * 24, AT) is None


@pytest.mark.parametrize("users", [1, 500])
def test_ids_that_do_not_count_any_more_do_not_pile_up(profiles: Profiles, users: int) -> None:
    """A day makes 1,000 ids, and ten days are written: of most days nothing is left."""
    for number in range(10_000):
        at = AT + number * REPEAT_WINDOW_MS // 1000
        profiles.put(upserted(f"user-{number % users}", at, idempotency=repeat(number)))

    assert count(profiles, "I") < 2500
    assert count(profiles, "J") == count(profiles, "I")


def test_what_forgets_and_batches_leave_does_not_pile_up(profiles: Profiles) -> None:
    for number in range(3000):
        at = AT + number * REPEAT_WINDOW_MS // 300
        id_ = profiles.put(upserted(f"user-{number}", at, idempotency=repeat(number))).id
        assert id_ is not None
        profiles.put(forgotten(id_, f"user-{number}", at, spent=[repeat(number)]))
        batch = f"{repeat(number)[:24]}"
        profiles.put(BatchOpened(account=ACCOUNT, at=at, id=batch, fingerprint=REQUEST))

    assert count(profiles, "S") < 1000
    assert count(profiles, "N") < 1000
