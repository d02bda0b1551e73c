"""Sending the users of a file to a running service, and waiting until every read shows them.

A portion of the file is a batch with an Idempotency-Key that comes from the portion itself: sent again, by another
run too, it has one effect for 24 hours.
"""

import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec
from rich.progress import Progress

from api.bodies import as_object, decode_json
from api.command_line.import_file import Line
from api.command_line.output import STDERR
from api.command_line.process import Interrupted
from api.command_line.rejects import Rejects
from api.command_line.service_client import Client, refused
from api.commands.drafting import draft
from api.settings import Settings
from schemas.errors import ItemError, OperatorError, RequestError, Unprocessable
from schemas.identifiers import missing_identifier_sentence, ordinal
from schemas.property_limits import MAX_DEPTH
from schemas.timestamps import parse_timestamp
from streams.clock import now

_PORTION_BYTES: Final = 5 << 20
_ENVELOPE_BYTES: Final = 64
# Two minutes in all: a service that is started again is back by then.
_PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0, 30.0)
_POLL_SECONDS: Final = 0.2
_BATCH: Final = "/v3/observe/hooks/profiles/batch"
_SAFE: Final = "Start over with the same file: what is sent already has no second effect"


class OnModelMissing(StrEnum):
    """What becomes of a line whose user does not exist (contract §4)."""

    CREATE = "create"
    IGNORE = "ignore"


class Report(msgspec.Struct):
    """What became of the file. `taken` counts lines that are good in a dry run, `repeated` those of an earlier run."""

    dry_run: bool
    lines: int = 0
    taken: int = 0
    skipped: int = 0
    rejected: int = 0
    repeated: int = 0
    rejected_file: str | None = None
    batches: list[str] = []
    seconds: float = 0


class Portion(NamedTuple):
    """Lines of one request, and its body."""

    lines: list[Line]
    body: bytes

    def key(self, salt: str) -> str:
        """The Idempotency-Key: the same for the same lines in the same place of a file."""
        salted = f"{salt}:{self.lines[0].number}:".encode()
        return f"import-{blake2b(salted + self.body, digest_size=16).hexdigest()}"


class _Named(msgspec.Struct):
    id: str


class _Answer(msgspec.Struct):
    """What is used of the answer to a batch."""

    batch: _Named
    errors: list[ItemError] = []


class _Batch(msgspec.Struct):
    """What is used of a batch's status."""

    created_at: str
    accepted: int
    skipped: int
    applied: bool


class _Status(msgspec.Struct):
    batch: _Batch


def judged(line: Line, settings: Settings) -> tuple[int, str | None]:
    """Code and reason why a line cannot be sent, as far as the line alone shows; no reason when it can."""
    if line.reason is not None:
        return 422, line.reason
    if len(line.item) > settings.body_limit:
        return 413, f"The line is larger than {settings.body_limit} bytes"
    try:
        sent = as_object(decode_json(line.item, object))
    except RequestError:
        # It could be decoded when it was read: how deep it may be depends on the stack beneath.
        return 422, "The line is nested too deeply"
    try:
        identified = draft(sent, now()).identified
    except Unprocessable as error:
        return 422, str(error)
    return 422, None if identified else missing_identifier_sentence(None)


class Sending:
    """One run through the file."""

    def __init__(
        self,
        settings: Settings,
        on_model_missing: OnModelMissing,
        report: Report,
        rejects: Rejects,
        progress: Progress,
    ) -> None:
        self._settings = settings
        self._tail = f'],"on_model_missing":"{on_model_missing}"}}'.encode()
        self._report = report
        self._rejects = rejects
        self._progress = progress

    def run(self, lines: Iterator[Line], salt: str) -> None:
        """Send all, and wait until every read shows it. Raises `OperatorError`, `Interrupted`."""
        try:
            with Client(self._settings, pauses=_PAUSES) as client:
                began = _clock(client)
                # What has answered once may be started again meanwhile.
                client.restarts = True
                self._send_all(client, lines, salt)
                self._wait(client, began)
        except KeyboardInterrupt:
            STDERR.print(f"profilelog: interrupted. {_SAFE}", soft_wrap=True)
            raise Interrupted from None

    def _send_all(self, client: Client, lines: Iterator[Line], salt: str) -> None:
        task = self._progress.add_task("importing", total=self._report.lines)
        for portion in self._portions(lines, lambda n: self._progress.advance(task, n)):
            try:
                self._send(client, portion, salt)
            except OperatorError as error:
                advice = f"What stands before line {portion.lines[0].number} is sent. {_SAFE}"
                raise OperatorError(f"{error}. {advice}") from None
            self._progress.advance(task, len(portion.lines))

    def _portions(self, lines: Iterator[Line], advance: Callable[[int], None]) -> Iterator[Portion]:
        """Lines that fit one request; what would spoil it is rejected here."""
        most = min(_PORTION_BYTES, self._settings.batch_limit) - _ENVELOPE_BYTES
        part: list[Line] = []
        size = 0
        for line in lines:
            code, reason = judged(line, self._settings) if self._may_spoil(line) else (0, None)
            if reason is not None:
                self._rejects.add(line, code, reason)
                advance(1)
                continue
            if part and size + len(line.item) + 1 > most:
                yield self._portion(part)
                part, size = [], 0
            part.append(line)
            size += len(line.item) + 1
        if part:
            yield self._portion(part)

    def _may_spoil(self, line: Line) -> bool:
        """Whether the service may refuse a batch as a whole for this line."""
        return (
            line.reason is not None
            or len(line.item) > self._settings.body_limit
            or line.item.count(b"[") + line.item.count(b"{") > MAX_DEPTH
        )

    def _portion(self, lines: list[Line]) -> Portion:
        items = b",".join(line.item for line in lines)
        return Portion(lines, b'{"profiles":[' + items + self._tail)

    def _send(self, client: Client, portion: Portion, salt: str) -> None:
        headers = {"Content-Type": "application/json", "Idempotency-Key": portion.key(salt)}
        response = client.send("POST", _BATCH, content=portion.body, headers=headers)
        if response.status_code == 413:
            raise OperatorError(
                "the service takes smaller requests than this: set PROFILELOG_BATCH_LIMIT to what "
                "it has there"
            )
        if not response.is_success:
            raise refused(response)
        answer = msgspec.json.decode(response.content, type=_Answer)
        self._report.batches.append(answer.batch.id)
        for error in answer.errors:
            # The item's number in the request means nothing to the reader of the report.
            reason = error.message.replace(f"{ordinal(error.index + 1)} item", "line")
            self._rejects.add(portion.lines[error.index], error.code, reason)

    def _wait(self, client: Client, began: float) -> None:
        """Until every read shows every batch. What the service took before `began`, an earlier run has sent."""
        task = self._progress.add_task("applying", total=len(self._report.batches))
        for id_ in self._report.batches:
            while not (batch := _status(client, id_)).applied:
                time.sleep(_POLL_SECONDS)
            self._report.taken += batch.accepted
            self._report.skipped += batch.skipped
            if (parse_timestamp(batch.created_at) or 0) < 1000 * began:
                self._report.repeated += batch.accepted
            self._progress.advance(task, 1)


def _status(client: Client, id_: str) -> _Batch:
    response = client.send("GET", f"/v3/observe/hooks/batches/{id_}")
    if not response.is_success:
        raise refused(response)
    return msgspec.json.decode(response.content, type=_Status).batch


def _clock(client: Client) -> float:
    """The service's clock, in unix seconds; and a check of the secret."""
    response = client.send("GET", "/")
    if not response.is_success:
        raise refused(response)
    return parsedate_to_datetime(response.headers["Date"]).timestamp()
