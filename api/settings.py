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

from schemas.errors import OperatorError
from schemas.identity import KEY_BYTES, SLOTS
from streams.node import Deployment
from streams.topic_settings import MAX_RECORD_BYTES

PREFIX: Final = "PROFILELOG_"
HASH_KEY_FILE: Final = "hash.key"
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

    def purge_seconds(self, *, embedded: bool) -> float:
        """`purge_within`, in seconds, with its default."""
        return self.purge_within or (30.0 if embedded else 86_400.0)


def deployment(settings: Settings, *, bootstrap: str, embedded: bool) -> Deployment:
    """What a node has to know. The embedded mode makes a hash key where there is none.

    Raises `OperatorError` when there is no hash key, or no good one.
    """
    return Deployment(
        bootstrap=bootstrap,
        hash_key=_hash_key(settings, make=embedded),
        folder=settings.data,
        partitions=settings.partitions or (1 if embedded else 8),
        prefix=settings.topic_prefix,
        replication=settings.replication or (1 if embedded else 3),
        purge_within=settings.purge_seconds(embedded=embedded),
        write_timeout=settings.write_timeout,
        max_pending=settings.max_pending_bytes,
        max_streams=settings.max_streams,
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
