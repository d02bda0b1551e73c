"""What it costs that Kafka does not give a topic a setting, and what is said of it."""

import logging

import pytest

from schemas.errors import OperatorError
from streams.log.setting_costs import COSTS, Difference, Refused, weigh
from streams.log.topic_settings import topic_settings
from tests.support.service import REPOSITORY

WANTED = topic_settings(30)


def refused(name: str, found: str | None) -> list[Refused]:
    return [Refused(Difference("t", name, found, WANTED[name]), "policy")]


def warned(caplog: pytest.LogCaptureFixture, name: str, found: str | None) -> bool:
    caplog.clear()
    weigh(refused(name, found))
    return any(f"{name}={found} instead of {WANTED[name]}" in text for text in caplog.messages)


def test_every_setting_has_a_cost() -> None:
    assert set(COSTS) == set(WANTED)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("cleanup.policy", "compact,delete"),
        ("delete.retention.ms", "3600000"),
        ("max.message.bytes", "1048588"),
    ],
)
def test_what_would_lose_profiles_or_undo_erasures_ends_the_start(name: str, found: str) -> None:
    with pytest.raises(OperatorError, match=rf"t has {name}={found} .*\(policy\).*operating\.md"):
        weigh(refused(name, found))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("segment.ms", "14400000"),
        ("max.compaction.lag.ms", "21600000"),
        ("min.compaction.lag.ms", "1"),
        ("file.delete.delay.ms", "60000"),
        ("file.delete.delay.ms", None),
        ("message.timestamp.type", "CreateTime"),
        ("min.cleanable.dirty.ratio", "0.9"),
    ],
)
def test_what_makes_erasures_slower_is_a_warning(
    caplog: pytest.LogCaptureFixture, name: str, found: str | None
) -> None:
    with caplog.at_level(logging.WARNING):
        assert warned(caplog, name, found)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("segment.ms", "1000"),
        ("delete.retention.ms", "172800000"),
        ("max.message.bytes", "8388608"),
        ("file.delete.delay.ms", "0"),
    ],
)
def test_what_costs_nothing_is_not_mentioned(
    caplog: pytest.LogCaptureFixture, name: str, found: str
) -> None:
    with caplog.at_level(logging.WARNING):
        weigh(refused(name, found))

    assert caplog.messages == []


def test_all_that_ends_the_start_is_named_at_once() -> None:
    both = refused("cleanup.policy", "delete") + refused("max.message.bytes", "1")

    with pytest.raises(OperatorError, match=r"cleanup\.policy=delete.*max\.message\.bytes=1"):
        weigh(both)


def test_the_document_has_each_setting_and_its_value() -> None:
    text = (REPOSITORY / "docs/operating.md").read_text()
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    values = {row[1].strip(): row[2].strip() for row in rows if len(row) == 5}

    for name, value in WANTED.items():
        (said,) = [values[key] for key in values if f"`{name}`" in key]
        assert value in said.replace("`", "").replace("at least ", "")
