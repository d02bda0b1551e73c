"""A library that has moved a private name is refused at import, with the version that was expected."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer

from private_names.checked import Library, WrongVersion
from private_names.of_aiokafka import AIOKAFKA
from private_names.of_faust import FAUST
from private_names.of_mode import MODE
from private_names.of_uvicorn import UVICORN
from tests.support.service import REPOSITORY

LIBRARIES = [AIOKAFKA, FAUST, MODE, UVICORN]

# A library, what moves a name of it, and what uses that.
MOVED = [
    (
        AIOKAFKA,
        "import aiokafka.producer.sender as it; del it.BACKOFF_OVERRIDE",
        "private_names.of_aiokafka",
        "aiokafka.producer.sender.BACKOFF_OVERRIDE",
    ),
    (
        AIOKAFKA,
        "from aiokafka import AIOKafkaConsumer as it; it.__init__ = lambda self: None",
        "private_names.of_aiokafka",
        "AIOKafkaConsumer._subscription",
    ),
    (
        AIOKAFKA,
        "from aiokafka.consumer.fetcher import PartitionRecords as it; it._consumer_record = lambda self, it: it",
        "private_names.of_aiokafka",
        "it has other parameters: <lambda>(it, record, tp)",
    ),
    (
        AIOKAFKA,
        "import aiokafka.conn as it; del it.create_conn",
        "private_names.of_aiokafka",
        "create_conn",
    ),
    (
        FAUST,
        "from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread as it; del it._create_worker_consumer",
        "private_names.of_faust",
        "AIOKafkaConsumerThread._create_worker_consumer",
    ),
    (
        MODE,
        "from mode.services import Service as it; del it._default_stop_futures",
        "private_names.of_mode",
        "Service._default_stop_futures",
    ),
    (
        UVICORN,
        "from uvicorn import Server as it; del it.capture_signals",
        "private_names.of_uvicorn",
        "Server.capture_signals",
    ),
    (
        UVICORN,
        "from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as it; del it._start_asgi_task",
        "private_names.of_uvicorn",
        "HttpToolsProtocol._start_asgi_task",
    ),
]
IN_WORDS = "{0.name} {0.version} is expected, and {0.version} is installed"


@pytest.mark.parametrize(("library", "move", "module", "name"), MOVED)
def test_a_name_that_is_missing_is_named_with_the_version_that_has_it(
    library: Library, move: str, module: str, name: str
) -> None:
    code = f"{move}\nimport {module}"

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    message = ended.stderr.splitlines()[-1]
    assert message.startswith("private_names.checked.WrongVersion: " + IN_WORDS.format(library))
    assert name in message
    assert message.endswith("install the versions of requirements.lock")


def test_another_version_that_lacks_nothing_is_not_refused() -> None:
    other = Library("aiokafka", "9.9.9")

    other.check_names({AIOKafkaConsumer: ["_subscription"]})
    with pytest.raises(
        WrongVersion, match=r"aiokafka 9\.9\.9 is expected, and 0\.14\.0 is installed"
    ):
        other.check_names({AIOKafkaConsumer: ["_subscribed"]})


@pytest.mark.parametrize(
    ("move", "message"),
    [
        (
            "import aiokafka.producer.sender as it; del it.BACKOFF_OVERRIDE",
            "aiokafka .+ is expected, .*BACKOFF_OVERRIDE.*",
        ),
        ("import sys; sys.modules['faust.contrib.asgi'] = None", ".*faust.contrib.asgi.*"),
    ],
)
def test_a_command_tells_of_a_wrong_version_in_one_line(
    move: str, message: str, tmp_path: Path
) -> None:
    code = f"{move}\nfrom api.command_line.main import main; main()"
    command = [sys.executable, "-c", code, "serve", "--port", "0", "--data", str(tmp_path)]
    settings = {**os.environ, "PROFILELOG_KAFKA": "127.0.0.1:1"}

    ended = subprocess.run(command, capture_output=True, text=True, env=settings)

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert re.fullmatch(
        f"profilelog: {message}: install the versions of requirements.lock\n", ended.stderr
    )


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.name)
def test_the_version_that_is_expected_is_the_one_that_is_pinned(library: Library) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]

    assert f"{library.name}=={library.version}" in project["dependencies"]
    assert version(library.name) == library.version
