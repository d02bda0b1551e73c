"""The settings of the service: `PROFILELOG_…` variables, each with its unit and default.

This is the only place where they are read. What two deployments do differently when nothing is
said (with the embedded broker, or with a Kafka of one's own) is told here too.
"""

import contextlib
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.http.limits import Limits
from schemas.errors import OperatorError
from schemas.identity import KEY_BYTES, SLOTS, random_id
from streams.deployment import Deployment
from streams.log.kafka_access import KafkaAccess, Mechanism, Protocol, read_properties
from streams.log.topic_settings import MAX_RECORD_BYTES

PREFIX: Final = "PROFILELOG_"
HASH_KEY_FILE: Final = "hash.key"
NODE_ID_FILE: Final = "node.id"
_MIB: Final = 1 << 20
_SHORTEST_PURGE: Final = 30  # seconds: three times what a transaction may last (design "Erasure")


@dataclass(frozen=True)
class Unit:
    """What a setting is measured in; `default` in words where it depends on the deployment."""

    name: str
    default: str | None = None


class Settings(BaseSettings):
    """Every setting; use `load`, which says in an operator's words what is wrong with one."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, hide_input_in_errors=True
    )

    kafka: Annotated[
        str | None,
        Unit("host:port,…"),
        Field(description="Kafka's bootstrap servers; `up` and `broker` bring their own"),
    ] = None
    kafka_properties: Annotated[
        Path | None,
        Unit("file"),
        Field(
            description="Kafka's servers and all that they ask of a client, as the data folder's "
            "kafka.properties says it of `broker`; instead of the other KAFKA variables"
        ),
    ] = None
    kafka_security_protocol: Annotated[
        Protocol, Unit("protocol"), Field(description="how Kafka is talked to")
    ] = "PLAINTEXT"
    kafka_sasl_mechanism: Annotated[
        Mechanism, Unit("mechanism"), Field(description="how the password is shown, with SASL_…")
    ] = "PLAIN"
    kafka_username: Annotated[
        str | None, Unit("text"), Field(description="who the service is to Kafka, with SASL_…")
    ] = None
    kafka_password: Annotated[
        SecretStr | None, Unit("text"), Field(description="its password, with SASL_…")
    ] = None
    kafka_ca_file: Annotated[
        Path | None,
        Unit("PEM file", default="the system's"),
        Field(description="who is trusted to certify Kafka, with SSL and SASL_SSL"),
    ] = None
    kafka_cert_file: Annotated[
        Path | None, Unit("PEM file"), Field(description="the service's certificate, for Kafka")
    ] = None
    kafka_key_file: Annotated[
        Path | None,
        Unit("PEM file", default="the file of the certificate"),
        Field(description="the certificate's key"),
    ] = None
    data: Annotated[
        Path,
        Unit("folder"),
        Field(description="where this node's state, its keys and the embedded broker's log lie"),
    ] = Path(".profilelog")
    host: Annotated[
        str, Unit("host or address"), Field(description="the address that the service listens on")
    ] = "127.0.0.1"
    port: Annotated[
        int,
        Unit("port"),
        Field(ge=0, le=65535, description="the port that it listens on; 0: a free one"),
    ] = 8080
    advertise: Annotated[
        str | None,
        Unit("URL", default="http://HOST:PORT"),
        Field(
            pattern=r"^https?://[^/]+$",
            description="where the other nodes of the deployment reach it",
        ),
    ] = None
    hash_key: Annotated[
        SecretStr | None,
        Unit("64 hex digits", default=f"the data folder's {HASH_KEY_FILE}"),
        Field(description="the deployment's secret that uids and emails are hashed with"),
    ] = None
    partitions: Annotated[
        int | None,
        Unit("partitions", default="1 with the embedded broker, else 8"),
        Field(ge=1, le=SLOTS, description="of the event topics; fixed once they are made"),
    ] = None
    topic_prefix: Annotated[
        str,
        Unit("text"),
        Field(
            pattern=r"^[A-Za-z0-9._-]{0,64}$",
            description="begins every topic's name; sets deployments on one Kafka apart",
        ),
    ] = ""
    replication: Annotated[
        int | None,
        Unit("brokers", default="1 with the embedded broker, else 3"),
        Field(ge=1, le=32767, description="how many brokers keep each topic, when topics are made"),
    ] = None
    purge_within: Annotated[
        float | None,
        Unit("seconds", default="30 with the embedded broker, else 86400"),
        Field(ge=_SHORTEST_PURGE, description="until a forgotten user is gone from every file"),
    ] = None
    write_timeout: Annotated[
        float,
        Unit("seconds"),
        Field(gt=0, le=300, description="how long a write may take until it is answered with 503"),
    ] = 10.0
    session_timeout: Annotated[
        float,
        Unit("seconds"),
        Field(
            ge=1,
            le=300,
            description="after how long without a sign another node takes a node's partitions; "
            "Kafka's own least is 6",
        ),
    ] = 6.0
    max_pending_bytes: Annotated[
        int,
        Unit("bytes"),
        Field(ge=MAX_RECORD_BYTES, description="how much may wait for Kafka; above it: 503"),
    ] = 64 * _MIB
    body_limit: Annotated[
        int,
        Unit("bytes"),
        Field(ge=1024, le=MAX_RECORD_BYTES, description="the longest body of a request"),
    ] = _MIB
    batch_limit: Annotated[
        int, Unit("bytes"), Field(ge=1024, description="the longest body of a batch")
    ] = 16 * _MIB
    header_limit: Annotated[
        int,
        Unit("bytes"),
        Field(ge=8192, description="the longest request line and headers, together"),
    ] = 64 << 10
    header_timeout: Annotated[
        float,
        Unit("seconds"),
        Field(gt=0, description="from the first byte of a request to the end of its headers"),
    ] = 10.0
    body_timeout: Annotated[
        float,
        Unit("seconds"),
        Field(ge=1, description="over which a body has to arrive at 1 KiB/s or more"),
    ] = 30.0
    idle_timeout: Annotated[
        float,
        Unit("seconds"),
        Field(gt=0, description="how long a connection without a request stays open"),
    ] = 60.0
    answer_timeout: Annotated[
        float,
        Unit("seconds"),
        Field(gt=0, description="how long a client may take nothing of an answer"),
    ] = 60.0
    max_batches: Annotated[
        int,
        Unit("batches"),
        Field(ge=1, description="of one account that are handled at a time; above it: 429"),
    ] = 4
    max_received_bytes: Annotated[
        int,
        Unit("bytes"),
        Field(ge=1 << 20, description="of large bodies handled at a time; above it: 503"),
    ] = 128 * _MIB
    max_streams: Annotated[
        int,
        Unit("streams"),
        Field(ge=0, description="of changes that may be open at a time; above it: 503"),
    ] = 2000
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Unit("level"),
        Field(description="the least that is logged, on stderr"),
    ] = "info"
    account_secret: Annotated[
        SecretStr | None,
        Unit("text", default="made once, into the data folder's account.secret"),
        Field(description="a secret that `up` gives to the account “development”"),
    ] = None
    url: Annotated[
        str,
        Unit("URL"),
        Field(pattern=r"^https?://[^/]", description="the service that commands talk to"),
    ] = "http://127.0.0.1:8080"
    secret: Annotated[
        SecretStr | None,
        Unit("text", default="the data folder's account.secret"),
        Field(description="the account secret that commands show to the service"),
    ] = None

    @field_validator("kafka")
    @classmethod
    def _check_servers(cls, value: str | None) -> str | None:
        servers = value.split(",") if value is not None else []
        for server in servers:
            host, _, port = server.strip().rpartition(":")
            if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
                raise ValueError("needs the form host:port, several separated by commas")
        return value

    @field_validator("hash_key")
    @classmethod
    def _check_hash_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _key_bytes(value.get_secret_value())
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @classmethod
    def load(cls, **given: Any) -> Self:
        """The settings of this process; what is `given` and not None goes before the environment.

        Raises `OperatorError`, which names the variable and never shows a value.
        """
        try:
            return cls(**{name: value for name, value in given.items() if value is not None})
        except ValidationError as error:
            raise OperatorError(_complaint(error)) from None

    def own_kafka(self) -> KafkaAccess | None:
        """The operator's Kafka; None where none is named. Raises `OperatorError`."""
        if self.kafka_properties is not None:
            if self.kafka is not None:
                raise OperatorError(
                    f"{PREFIX}KAFKA and {PREFIX}KAFKA_PROPERTIES exclude each other"
                )
            try:
                return read_properties(self.kafka_properties)
            except OSError as error:
                raise OperatorError(
                    f"{PREFIX}KAFKA_PROPERTIES: {self.kafka_properties} cannot be read ({error.strerror})"
                ) from None
        if self.kafka is None:
            return None
        return KafkaAccess(
            self.kafka,
            self.kafka_security_protocol,
            self.kafka_sasl_mechanism,
            self.kafka_username,
            None if self.kafka_password is None else self.kafka_password.get_secret_value(),
            self.kafka_ca_file,
            self.kafka_cert_file,
            self.kafka_key_file,
        )

    def purge_seconds(self, *, embedded: bool) -> float:
        """`purge_within`, in seconds, with its default."""
        return self.purge_within or (30.0 if embedded else 86_400.0)


def deployment(settings: Settings, *, kafka: KafkaAccess, embedded: bool) -> Deployment:
    """What a node has to know. The embedded mode makes a hash key where there is none.

    Raises `OperatorError` when there is no hash key, or no good one.
    """
    return Deployment(
        kafka=kafka,
        hash_key=_hash_key(settings, make=embedded),
        folder=settings.data,
        partitions=settings.partitions or (1 if embedded else 8),
        prefix=settings.topic_prefix,
        replication=settings.replication or (1 if embedded else 3),
        purge_within=settings.purge_seconds(embedded=embedded),
        write_timeout=settings.write_timeout,
        max_pending=settings.max_pending_bytes,
        max_streams=settings.max_streams,
        session_timeout=settings.session_timeout,
    )


def node_id(data: Path) -> str:
    """The id of the node whose data folder this is: 24 hex digits, made at its first start."""
    return kept(data / NODE_ID_FILE, random_id())


def http_limits(settings: Settings) -> Limits:
    """What a connection may cost (contract §2)."""
    return Limits(
        head_bytes=settings.header_limit,
        head_seconds=settings.header_timeout,
        body_seconds=settings.body_timeout,
        idle_seconds=settings.idle_timeout,
        answer_seconds=settings.answer_timeout,
        drain_bytes=2 * max(settings.batch_limit, settings.body_limit),
    )


def kept(path: Path, fresh: str) -> str:
    """The text of a file that only its owner may read; made with the `fresh` text when missing.

    Of several processes that make it at once one wins, and all of them get its text.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Linked into place when it is complete; mkstemp makes it with mode 0600.
        handle, partial = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(f"{fresh}\n")
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(partial)
        finally:
            Path(partial).unlink()
    return path.read_text("utf-8").strip()


def _hash_key(settings: Settings, *, make: bool) -> bytes:
    path = settings.data / HASH_KEY_FILE
    if settings.hash_key is not None:
        return _key_bytes(settings.hash_key.get_secret_value())
    if not make and not path.exists():
        raise OperatorError(
            f"there is no hash key: set {PREFIX}HASH_KEY to 64 hex digits, or put them into {path} "
            "(`openssl rand -hex 32` makes them). All nodes of a deployment need the same, for "
            "ever: nobody is found again without it"
        )
    try:
        return _key_bytes(kept(path, secrets.token_hex(KEY_BYTES)))
    except ValueError as error:
        raise OperatorError(
            f"{path} {error}: put the deployment's hash key back, its log cannot be read without it"
        ) from None


def _key_bytes(text: str) -> bytes:
    """Raises ValueError, without the text."""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"needs {2 * KEY_BYTES} hex digits")
    return key


def _complaint(error: ValidationError) -> str:
    """One line that names each variable that is wrong, without its value."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(
        f"{PREFIX}{str(each['loc'][0]).upper()}: {each['msg'].removeprefix('Value error, ')}"
        for each in found
    )
