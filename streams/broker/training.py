"""The training run that makes the class cache (`class_cache`), beside a broker that runs."""

import logging
from pathlib import Path
from typing import Final

from streams.broker.class_cache import NICENESS, ClassCache, creation
from streams.broker.embedded import EmbeddedBroker, find_kafka, has_ended
from streams.broker.errors import BrokerError
from streams.broker.folder import BrokerFolder
from streams.broker.java import Java, start_java
from streams.broker.properties import JAVA_OPTIONS

log = logging.getLogger(__name__)

_STOP_SECONDS: Final = 120.0  # Java writes 60 MB when it ends, at the lowest priority
_CREATE_SECONDS: Final = 300.0


async def train() -> None:
    """Make the class cache where there is none: the next start of a broker on this machine is quicker by it.

    Without one everything works as well; so what goes wrong is one line of the log. To be called in the main thread,
    like a start of a broker; what it started ends when it is cancelled.
    """
    try:
        java, jars = await find_kafka(lambda _: None)
        cache = ClassCache(java, jars, JAVA_OPTIONS)
        if not cache.is_wanted():
            return
        with cache.training_folder() as folder:
            if folder is not None:
                cache.keep(await _train(folder, java, jars))
                log.info("Kafka starts quicker from now on: its classes are in %s", str(cache.file))
    except (BrokerError, OSError) as error:
        log.info(
            "Kafka goes on starting at its usual pace: no class cache (%s)", _first_line(error)
        )


async def _train(folder: Path, java: Java, jars: list[Path]) -> Path:
    broker = EmbeddedBroker(folder, trains=True)
    try:
        await broker.start()
        await broker.stop(_STOP_SECONDS)
    finally:
        await broker.stop(timeout=0)
    options, made = creation(BrokerFolder.of(folder).path)
    process = start_java(
        java,
        [*JAVA_OPTIONS, *options],
        jars,
        ["kafka.Kafka"],
        folder=folder,
        log=folder / "create.log",
        niceness=NICENESS,
    )
    try:
        await has_ended(process, _CREATE_SECONDS)
    finally:
        process.kill()
        process.wait()
    return made


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
