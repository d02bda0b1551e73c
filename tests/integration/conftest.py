"""What tests with a broker of their own begin with."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.broker import EmbeddedBroker


@pytest.fixture
def anyio_backend() -> str:
    """Coroutines run on asyncio alone."""
    return "asyncio"


@pytest.fixture(scope="module")
def shared_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of `broker`."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def broker(shared_data: Path) -> Iterator[EmbeddedBroker]:
    """One that runs for all tests of a file that leave it running."""
    broker = EmbeddedBroker(shared_data)
    asyncio.run(broker.start())
    yield broker
    asyncio.run(broker.stop())
