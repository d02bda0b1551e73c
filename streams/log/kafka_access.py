"""How Kafka is reached: its address and what it asks of a client. Every client of the service is made from this."""

import contextlib
import functools
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

from schemas.errors import OperatorError

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


class _EndsAtOnce(ssl.SSLObject):
    """Says that a connection ends, and does not wait until Kafka says so too.

    Kafka answers the request that it has before it reads further. Of what comes then uvloop makes nothing, and waits
    for 30 s: each consumer that was stopped while it fetched took as long.
    """

    def unwrap(self) -> None:
        with contextlib.suppress(ssl.SSLError):
            super().unwrap()


@dataclass(frozen=True)
class KafkaAccess:
    """The bootstrap servers, "host:port,…", and the security of each connection to them.

    `mechanism`, `username` and `password` count where `protocol` has SASL, the PEM files where it has SSL: `ca_file`
    is the system's own where it is None, `cert_file` and `key_file` are the client's, for a broker that asks for them.
    """

    bootstrap: str
    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism = "PLAIN"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def __post_init__(self) -> None:
        """Raises `OperatorError` where SASL has nothing to show."""
        if self.has_sasl and not (self.username and self.password):
            raise OperatorError(
                f"{self.protocol} needs a username and a password for Kafka: set PROFILELOG_KAFKA_USERNAME and "
                "PROFILELOG_KAFKA_PASSWORD, or in a file of properties sasl.username and sasl.password"
            )

    def client_options(self) -> dict[str, Any]:
        """The keyword arguments of every aiokafka client. Raises `OperatorError` as `ssl_context` does."""
        return {"bootstrap_servers": self.bootstrap, **self.connection_options()}

    def connection_options(self) -> dict[str, Any]:
        """Those of them that a single connection takes too."""
        options: dict[str, Any] = {"security_protocol": self.protocol}
        if self.has_sasl:
            options |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        if self.ssl_context is not None:
            options["ssl_context"] = self.ssl_context
        return options

    @functools.cached_property
    def ssl_context(self) -> ssl.SSLContext | None:
        """What TLS is done with; None without TLS. Raises `OperatorError` where a file cannot be used."""
        if "SSL" not in self.protocol:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            context.sslobject_class = _EndsAtOnce
            if self.cert_file is not None:
                # Without a password OpenSSL would ask for one, at the terminal.
                context.load_cert_chain(self.cert_file, self.key_file, password="")
        except OSError as error:  # an SSLError is one
            files = [self.ca_file, self.cert_file, self.key_file]
            named = ", ".join(str(file) for file in files if file is not None)
            raise OperatorError(
                f"the certificates for Kafka cannot be used ({error.strerror or error}): {named} have to be PEM "
                "files that can be read, and the key has to be the certificate's, without a passphrase"
            ) from None
        return context

    @property
    def has_sasl(self) -> bool:
        """Whether a connection shows a username and a password."""
        return self.protocol.startswith("SASL")


def read_properties(path: Path) -> KafkaAccess:
    """What a file of client properties says, with librdkafka's names for what it shares with no other client:
    `sasl.username`, `sasl.password`, `ssl.ca.location`, `ssl.certificate.location`, `ssl.key.location`.

    The embedded broker writes such a file into its data folder. Other names are passed over.

    Raises:
        OperatorError: it says too little, or what no client here can do. Values are not shown.
        OSError: it cannot be read.
    """
    found = _parsed(path.read_text("utf-8"))
    protocol = found.get("security.protocol", "PLAINTEXT")
    mechanism = found.get("sasl.mechanism", "PLAIN")
    if not (servers := found.get("bootstrap.servers")):
        raise OperatorError(f"{path} has to name bootstrap.servers")
    for name, value, known in (
        ("security.protocol", protocol, get_args(Protocol)),
        ("sasl.mechanism", mechanism, get_args(Mechanism)),
    ):
        if value not in known:
            raise OperatorError(f"{path}: {name} has to be one of {', '.join(known)}")
    return KafkaAccess(
        servers,
        cast("Protocol", protocol),
        cast("Mechanism", mechanism),
        found.get("sasl.username"),
        found.get("sasl.password"),
        _file(found.get("ssl.ca.location")),
        _file(found.get("ssl.certificate.location")),
        _file(found.get("ssl.key.location")),
    )


def _parsed(text: str) -> dict[str, str]:
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith(("#", "!")))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _file(text: str | None) -> Path | None:
    return Path(text) if text else None
