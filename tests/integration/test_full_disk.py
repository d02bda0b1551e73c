"""A disk without room is named as such, whatever fails of it at the start."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from streams.broker import EmbeddedBroker
from tests.support.service import REPOSITORY, Service

# In a mount namespace of its own a test may mount a small file system; it goes with the process.
_NAMESPACE: Final = ("unshare", "--map-root-user", "--mount", "sh", "-ec")
_ON_A_FULL_DISK: Final = """
mount -t tmpfs -o size=8m tmpfs "$1"
if [ -d "$2" ]; then cp -a "$2" "$1/data"; else mkdir "$1/data"; fi
cat /dev/zero > "$1/rest" 2> /dev/null || true
shift 2
exec "$@"
"""


def start_on_a_full_disk(
    command: str, folder: Path, former: Path, environment: Mapping[str, str]
) -> str:
    """What a service says that is started on a copy of a data folder, without room on its disk."""
    disk = folder / "disk"
    disk.mkdir()
    profilelog = (sys.executable, "-m", "api.command_line.main", command)
    done = subprocess.run(
        [*_NAMESPACE, _ON_A_FULL_DISK, "sh", disk, former, *profilelog, "--data", disk / "data"],
        cwd=REPOSITORY,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("profilelog: ")]
    assert f"the disk with {disk / 'data'} is full" in said
    return said


@pytest.fixture(scope="module", autouse=True)
def namespaces() -> None:
    """Skips where this user may not mount anything, not even in a namespace of its own."""
    if subprocess.run([*_NAMESPACE, "mount -t tmpfs tmpfs /mnt"], capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")


@pytest.fixture
def environment() -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PROFILELOG_")}
    return inherited | {"PROFILELOG_PORT": "0"}


def test_a_first_start_names_the_full_disk(tmp_path: Path, environment: dict[str, str]) -> None:
    said = start_on_a_full_disk("up", tmp_path, tmp_path / "none", environment)

    assert "(0 KiB of 8 MiB are free)" in said


def test_a_kafka_that_ends_for_lack_of_room_is_not_all_that_is_said(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    broker = EmbeddedBroker(tmp_path / "former")
    asyncio.run(broker.start())
    asyncio.run(broker.stop())

    said = start_on_a_full_disk("up", tmp_path, tmp_path / "former", environment)

    assert "Kafka" not in said


def test_a_service_whose_state_has_no_room_names_the_disk(
    own_service: Service, tmp_path: Path
) -> None:
    assert own_service.terminate() == 0

    start_on_a_full_disk("serve", tmp_path, own_service.data, own_service.environment)
