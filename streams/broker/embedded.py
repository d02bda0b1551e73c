"""Run the embedded broker.

A start, in order:

1. Take the folder's lock; end a broker that a killed process left behind.
2. Find a Java; bring the locked jars and verify each.
3. Choose ports and passwords, write server.properties and kafka.properties, and format Kafka's folder
   if this is its first start. The ports may differ at every start: with static voters KRaft stores no address.
4. Start Kafka, record its pid, and wait until it answers a request for metadata with itself.

Whatever goes wrong on the way ends Java and gives the lock back.
"""

import asyncio
import socket
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from streams.broker.class_cache import NICENESS, ClassCache, recording
from streams.broker.errors import BrokerDied, PortTaken
from streams.broker.folder import BrokerFolder, Running, new_password
from streams.broker.jars import class_path, jar_cache, locked_jars
from streams.broker.java import Java, failure_of, find_java, how_it_ended, start_java
from streams.broker.probe import answers
from streams.broker.properties import CLIENT, JAVA_OPTIONS, server_properties
from streams.child_process import has_ended
from streams.data_folder import DiskFull, disk_full, write_private
from streams.log.kafka_access import KafkaAccess

_START_TIMEOUT_S = 90.0
_POLL_S = 0.02
_PORT_ATTEMPTS = 5


class EmbeddedBroker:
    """One Kafka node as a child process, on 127.0.0.1 only, its data under `data/broker`.

    It answers nobody without the password that was made for the data folder; `data/kafka.properties` has it.

    Start it from the main thread: Java ends with the thread that started it, however that
    ends.
    """

    def __init__(
        self, data: Path, *, port: int = 0, purge_within: float = 30.0, trains: bool = False
    ) -> None:
        """Start nothing yet.

        Args:
            data: the data folder; made when it is missing.
            port: where to listen; 0 for a free one.
            purge_within: seconds within which erased records must be gone from the files.
            trains: whether it runs for nothing but the classes that it loads (`class_cache`), which Java writes
                into the data folder when it is stopped.
        """
        self._folder = BrokerFolder.of(data)
        self._asked_port = port
        self._purge_within = purge_within
        self._trains = trains
        self._lock: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._access: KafkaAccess | None = None
        self._found: tuple[Java, list[Path]] | None = None

    @property
    def access(self) -> KafkaAccess:
        """How clients reach it; to be asked only while it runs."""
        if self._process is None or self._access is None:
            raise RuntimeError("the broker was not started")
        return self._access

    @property
    def java_and_jars(self) -> tuple[Java, list[Path]]:
        """What it was started with; to be asked only after a start."""
        if self._found is None:
            raise RuntimeError("the broker was not started")
        return self._found

    @property
    def pid(self) -> int:
        """The process id of Java; to be asked only while it runs."""
        if self._process is None:
            raise RuntimeError("the broker was not started")
        return self._process.pid

    async def start(self, progress: Callable[[str], None] | None = None) -> None:
        """Start the broker and return when it answers requests, after some 2 s.

        The first start on a folder takes 2 s more, the first on a machine fetches 45 MB.
        `progress` is called on the event loop with what is being done, in a few words.

        Raises:
            BrokerLocked, PortTaken, JarsUnavailable, JarMismatch, JavaMissing, BrokerDied: all
                BrokerErrors, whose text says what to do.
            OperatorError: the data folder cannot be used (`data_folder.make_private`, `DiskFull`).
        """
        if self._process is not None:
            raise RuntimeError("the broker was started already")
        say = _on_this_loop(progress)
        self._folder.create()
        self._lock = self._folder.lock()
        try:
            await self._start(say)
        except BaseException:
            await self.stop(timeout=0)
            raise

    async def stop(self, timeout: float = 8.0) -> None:
        """End Kafka: cleanly, or after `timeout` seconds by a kill, which loses no record either.

        May be called more than once, and before a start.
        """
        process, self._process = self._process, None
        if process is not None:
            try:
                if timeout > 0:
                    process.terminate()
                    await has_ended(process, timeout)
            finally:  # also where this stop is cancelled
                process.kill()
                process.wait()
            self._folder.record_end()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def watch(self) -> None:
        """Wait until the broker ends: return after a `stop`.

        Raises:
            BrokerDied: it ended by itself.
            DiskFull: it ended because there is no room.
        """
        while (process := self._process) is not None:
            if process.poll() is not None:
                raise self._died(f"Kafka ended by itself ({how_it_ended(process)})")
            await asyncio.sleep(0.2)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def _start(self, say: Callable[[str], None]) -> None:
        await asyncio.to_thread(self._folder.end_orphan)
        java = await asyncio.to_thread(find_java)
        jars = await asyncio.to_thread(class_path, locked_jars(), jar_cache(), say)
        self._found = java, jars

        for attempts_left in reversed(range(_PORT_ATTEMPTS)):
            self._folder.rotate_log()
            self._configure()
            if not self._folder.formatted:
                say("preparing the broker's folder")
                await self._format(java, jars)
            say("starting Apache Kafka")
            self._spawn(java, jars)
            try:
                await self._until_it_answers()
            except BrokerDied:
                # A port that was free a moment ago: choose others, or report that it is the one
                # that was asked for.
                if not (self._lost_a_port() and attempts_left):
                    raise
            else:
                return

    def _configure(self) -> None:
        """Choose the ports and passwords, and write them where Kafka and its clients read them."""
        port, controller_port = _free_ports(self._asked_port)
        password = self._folder.password()
        write_private(
            self._folder.properties,
            server_properties(
                port=port,
                controller_port=controller_port,
                purge_within=self._purge_within,
                password=password,
                own_password=new_password(),
            ),
        )
        self._access = KafkaAccess(f"127.0.0.1:{port}", "SASL_PLAINTEXT", "PLAIN", CLIENT, password)
        self._folder.write_access(self._access)

    async def _format(self, java: Java, jars: list[Path]) -> None:
        """Make Kafka's own folder. One that was cut off is made again from nothing."""
        main = ["kafka.tools.StorageTool", "format", "--ignore-formatted"]
        main += ["--cluster-id", _new_cluster_id(), "--config", str(self._folder.properties)]
        process = self._java(java, jars, main)
        failure = await failure_of(process, _START_TIMEOUT_S)
        if failure is not None:
            raise self._died(f"Kafka could not prepare {self._folder.kafka} ({failure})")

    def _spawn(self, java: Java, jars: list[Path]) -> None:
        main = ["kafka.Kafka", str(self._folder.properties)]
        cache = ClassCache(java, jars, JAVA_OPTIONS)
        options = recording(self._folder.path) if self._trains else cache.options()
        self._process = self._java(java, jars, main, options)
        self._folder.record(Running(pid=self._process.pid, bootstrap=None))

    def _java(
        self, java: Java, jars: list[Path], main: list[str], options: Sequence[str] = ()
    ) -> subprocess.Popen[bytes]:
        return start_java(
            java,
            [*JAVA_OPTIONS, *options],
            jars,
            main,
            folder=self._folder.path,
            log=self._folder.log,
            niceness=NICENESS if self._trains else 0,
        )

    async def _until_it_answers(self) -> None:
        assert self._process is not None
        try:
            async with asyncio.timeout(_START_TIMEOUT_S):
                while not await answers(self.access):
                    if self._process.poll() is not None:
                        raise self._died(
                            f"Kafka ended while it started ({how_it_ended(self._process)})"
                        )
                    await asyncio.sleep(_POLL_S)
        except TimeoutError as error:
            raise self._died(f"Kafka did not answer within {_START_TIMEOUT_S:.0f} s") from error
        self._folder.record(Running(pid=self._process.pid, bootstrap=self.access.bootstrap))

    def _lost_a_port(self) -> bool:
        return any("Address already in use" in line for line in self._folder.log_tail())

    def _died(self, what: str) -> BrokerDied | DiskFull:
        # Kafka's own log may be empty then, for it lies on the same disk.
        return disk_full(self._folder.path) or BrokerDied(
            what=what, log=self._folder.log, last_lines=self._folder.log_tail()
        )


def _free_ports(asked: int) -> tuple[int, int]:
    """The port for clients and one for the controller.

    Raises:
        PortTaken: the one that was asked for is in use.
    """
    with socket.socket() as clients, socket.socket() as controller:
        # As Java does: what lingers in TIME_WAIT does not count as in use.
        clients.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            clients.bind(("127.0.0.1", asked))
        except OSError as error:
            raise PortTaken(port=asked) from error
        controller.bind(("127.0.0.1", 0))
        return clients.getsockname()[1], controller.getsockname()[1]


def _new_cluster_id() -> str:
    """16 random bytes as Kafka writes them; it takes none that begins with a dash."""
    while (text := urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()).startswith("-"):
        pass
    return text


def _on_this_loop(progress: Callable[[str], None] | None) -> Callable[[str], None]:
    """`progress`, callable from any thread and called on the running event loop."""
    loop = asyncio.get_running_loop()

    def say(text: str) -> None:
        if progress is not None:
            loop.call_soon_threadsafe(progress, text)

    return say
