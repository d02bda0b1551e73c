"""The training run that makes the class cache (`class_cache`), beside a broker that runs."""

import logging
from pathlib import Path
from typing import Final

from streams.broker.class_cache import NICENESS, ClassCache, creation
from streams.broker.embedded import EmbeddedBroker
from streams.broker.errors import BrokerDied, BrokerError, first_line
from streams.broker.folder import BrokerFolder
from streams.broker.java import Java, failure_of, start_java
from streams.broker.properties import JAVA_OPTIONS

log = logging.getLogger(__name__)

_STOP_SECONDS: Final = 120.0  # Java writes 60 MB when it ends, at the lowest priority
_CREATE_SECONDS: Final = 300.0


async def train(java: Java, jars: list[Path]) -> None:
    """Make the class cache where there is none: the next start of a broker on this machine is quicker by it.

    Without one everything works as well; so what goes wrong is one line of the log. To be called in the main thread,
    like a start of a broker; what it started ends when it is cancelled.
    """
    cache = ClassCache(java, jars, JAVA_OPTIONS)
    if not cache.is_wanted():
        return
    try:
        with cache.training_folder() as folder:
            if folder is not None:
                cache.keep(await _train(folder, java, jars))
                log.info("Kafka starts quicker from now on: its classes are in %s", str(cache.file))
    except (BrokerError, OSError) as error:
        log.info("Kafka goes on starting at its usual pace: no class cache (%s)", first_line(error))


async def _train(data: Path, java: Java, jars: list[Path]) -> Path:
    broker = EmbeddedBroker(data, trains=True)
    try:
        await broker.start()
        await broker.stop(_STOP_SECONDS)
    finally:
        await broker.stop(timeout=0)
    folder = BrokerFolder.of(data)
    options, made = creation(folder.path)
    process = start_java(
        java,
        [*JAVA_OPTIONS, *options],
        jars,
        ["kafka.Kafka"],
        folder=folder.path,
        log=folder.log,
        niceness=NICENESS,
    )
    failure = await failure_of(process, _CREATE_SECONDS)
    if failure is not None:
        what = f"Java could not make the class cache ({failure})"
        raise BrokerDied(what=what, log=folder.log, last_lines=folder.log_tail())
    return made
