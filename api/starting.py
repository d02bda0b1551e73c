"""What a start is asked for, and what it announces. It imports little: Kafka is started before the rest is there."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from api.settings import Settings
from streams.log.kafka_access import KafkaAccess


@dataclass(frozen=True)
class AccountSecret:
    """A live secret of the development account. `file` keeps one that the service made, `is_new` if at this start."""

    text: str = field(repr=False)
    file: Path | None
    is_new: bool


@dataclass(frozen=True)
class Started:
    """What a person needs to use the service: its address, and a live secret where one is known."""

    url: str
    kafka: KafkaAccess
    secret: AccountSecret | None


@dataclass(frozen=True)
class Start:
    """What was asked for: `account_secret` is one that the development account is to have."""

    settings: Settings
    embedded: bool
    account_secret: str | None = field(repr=False)
    announce: Callable[[Started], None]
