"""Parts of the purge that need no broker: what is overdue, which settings differ, what a sweep takes for a trace."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest

from projections.deletions import Deletion
from schemas.events import EmailClaimed, encode
from streams.erasure.log_reader import Owner
from streams.erasure.overdue import Overdue
from streams.erasure.sweep import Sweep
from streams.log.topic_settings import Difference, differences, topic_settings
from streams.log.topics import Topics

ACCOUNT = "a" * 24
ADA, BOB, EVE = "1" * 24, "2" * 24, "3" * 24
TOPICS = Topics(2)


def deletion(id_: str, profile: str, requested_at: int = 0, claim: bytes = b"") -> Deletion:
    claims = [(1, claim)] if claim else []
    return Deletion(b"", id_, ACCOUNT, requested_at, 0, 0, [], [profile], b"", claims)


def ago(seconds: float) -> int:
    return time.time_ns() // 1_000_000 - int(seconds * 1000)


# --- overdue


def test_a_deletion_is_overdue_after_twice_the_configured_time() -> None:
    overdue = Overdue(30)

    assert not overdue.is_since(ago(55))
    assert overdue.is_since(ago(65))


def test_the_operator_is_told_once_of_each(caplog: pytest.LogCaptureFixture) -> None:
    overdue = Overdue(30)
    first, second = deletion("d" * 24, ADA, ago(65)), deletion("e" * 24, BOB, ago(65))

    with caplog.at_level(logging.WARNING):
        overdue.note([first, deletion("f" * 24, EVE, ago(5))], "why")
        overdue.note([first], "why")
        overdue.note([first, second], "why not")

    assert [record.getMessage() for record in caplog.records] == [
        f"deletions overdue: 1 ({'d' * 24}): why",
        f"deletions overdue: 1 ({'e' * 24}): why not",
    ]
    assert (overdue.count, overdue.reason) == (2, "why not")


def test_what_is_purged_is_overdue_no_more() -> None:
    overdue = Overdue(30)
    overdue.note([deletion("d" * 24, ADA, ago(65))], "why")

    overdue.note([], "")

    assert overdue.count == 0


# --- settings


def test_settings_that_are_right_do_not_differ() -> None:
    wanted = topic_settings(30)

    assert differences({"a": wanted | {"more": "x"}, "b": wanted}, wanted) == []


def test_a_difference_names_topic_setting_and_both_values() -> None:
    wanted = topic_settings(30)
    found = {name: value for name, value in wanted.items() if name != "cleanup.policy"}

    differ = differences({"a": wanted, "b": found | {"segment.ms": "5"}}, wanted)

    assert differ == [
        Difference("b", "cleanup.policy", None, "compact"),
        Difference("b", "segment.ms", "5", "10000"),
    ]
    assert str(differ[1]) == "b has segment.ms=5 instead of 10000"


@pytest.mark.parametrize(
    ("purge_within", "lag"), [(30, "10000"), (15, "10000"), (86400, "28800000")]
)
def test_segments_roll_after_a_third_of_the_time_but_not_within_a_transaction(
    purge_within: float, lag: str
) -> None:
    settings = topic_settings(purge_within)

    assert (settings["segment.ms"], settings["max.compaction.lag.ms"]) == (lag, lag)


# --- the sweep


class Log:
    """What a sweep reads: records by topic and partition."""

    def __init__(self, records: dict[tuple[str, int], list[tuple[bytes, bytes]]]) -> None:
        self._records = records

    async def find(
        self, topic: str, partition: int, owner: Owner
    ) -> AsyncGenerator[tuple[int, str]]:
        for offset, (key, value) in enumerate(self._records.get((topic, partition), [])):
            if (whose := owner(key, value)) is not None:
                yield offset, whose


def sweep(log: Log, *deletions: Deletion) -> dict[str, list[tuple[str, int, int]]]:
    return asyncio.run(Sweep(TOPICS, [(0, deletions)]).run(cast("Any", log)))


def claim(profile: str) -> bytes:
    return encode(EmailClaimed(ACCOUNT, 0, "00", profile))


def test_documents_of_the_deleted_are_traces() -> None:
    log = Log({("profiles", 0): [(EVE.encode(), b"{}"), (ADA.encode(), b"{}"), (b"\xff", b"{}")]})

    found = sweep(log, deletion("d" * 24, ADA), deletion("e" * 24, BOB))

    assert found == {"d" * 24: [("profiles", 0, 1)]}


def test_claims_are_traces_by_their_key_and_by_their_profile_in_every_partition() -> None:
    given_up = b"9" * 32
    log = Log(
        {
            ("profile-emails", 0): [(b"x", claim(EVE)), (b"y", claim(BOB)), (b"z", b"{")],
            ("profile-emails", 1): [(given_up, b"{")],
        }
    )

    found = sweep(log, deletion("d" * 24, ADA, claim=given_up), deletion("e" * 24, BOB))

    assert found == {
        "d" * 24: [("profile-emails", 1, 0)],
        "e" * 24: [("profile-emails", 0, 1)],
    }
