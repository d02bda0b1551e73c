"""`profilelog import users.csv`: create or update the users of a file through a running service (contract §4).

1. The file is read once, to see that all of it can be.
2. It goes out in portions, each a batch with an Idempotency-Key that comes from the portion itself. So one that is
   sent again has one effect, also by another run of the same file within 24 hours: after Ctrl-C, start it again.
3. When all are sent, each batch is waited for until every read shows it.

Lines that were not taken are written to a file beside it, with the reason. Messages name lines and nothing that
stands in them.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from email.utils import parsedate_to_datetime
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import msgspec
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from api.bodies import as_object, decode_json
from api.command_line.import_file import Format, Line, count_lines, read_lines
from api.command_line.logs import configure_logging
from api.command_line.options import DataOption, JsonOption, SecretOption, UrlOption
from api.command_line.output import STDERR, print_json, print_text
from api.command_line.process import Interrupted
from api.command_line.rejects import Rejects
from api.command_line.service_client import Client, refused
from api.commands.drafting import InvalidDraft, draft
from api.settings import Settings
from schemas.errors import OperatorError
from schemas.identifiers import missing_identifier_sentence, ordinal
from schemas.timestamps import parse_timestamp
from streams.clock import now

_PORTION_BYTES: Final = 5 << 20
_ENVELOPE_BYTES: Final = 64
# Two minutes in all: a service that is started again is back by then.
_PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0, 30.0)
_POLL_SECONDS: Final = 0.2
_BATCH: Final = "/v3/observe/hooks/profiles/batch"

_SAFE: Final = "Start over with the same file: what is sent already has no second effect"

Advance = Callable[[int], None]


class OnModelMissing(StrEnum):
    """What becomes of a line whose user does not exist (contract §4)."""

    CREATE = "create"
    IGNORE = "ignore"


class Report(msgspec.Struct):
    """What became of the file. `taken` counts lines that are good in a dry run, `repeated` those of an earlier run."""

    dry_run: bool
    lines: int
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
        place = f"{salt}:{self.lines[0].number}:".encode()
        return f"import-{blake2b(place + self.body, digest_size=16).hexdigest()}"


class _Named(msgspec.Struct):
    id: str


class _ItemError(msgspec.Struct):
    code: int
    index: int
    message: str


class _Answer(msgspec.Struct):
    """What is used of the answer to a batch."""

    batch: _Named
    errors: list[_ItemError] = []


class _Batch(msgspec.Struct):
    """What is used of a batch's status."""

    created_at: str
    accepted: int
    skipped: int
    applied: bool


class _Status(msgspec.Struct):
    batch: _Batch


def import_users(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            help="CSV, whose header line names the properties (an empty cell is not sent), or NDJSON, "
            "an object a line. Each user has a uid, an email or an id.",
        ),
    ],
    form: Annotated[
        Format | None,
        typer.Option("--format", help="How the file is written.", show_default="by its name"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Send nothing, only check each line.")
    ] = False,
    on_model_missing: Annotated[
        OnModelMissing, typer.Option(help="What to do about users who do not exist.")
    ] = OnModelMissing.CREATE,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Also send what a run of the last 24 hours has sent from this file."
        ),
    ] = False,
    rejected: Annotated[
        Path | None,
        typer.Option(
            help="Where to write the lines that were not taken.",
            show_default="FILE.rejected.ndjson",
        ),
    ] = None,
    url: UrlOption = None,
    secret: SecretOption = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Create or update the users of a file. It may be interrupted and started again.

    Exit code: 0 all lines were taken, 1 some were not.
    """
    settings = Settings.load(url=url, secret=secret, data=data)
    configure_logging("warning")  # httpx logs addresses at INFO
    began = time.monotonic()
    form = form or Format.of(file)
    report = Report(dry_run, lines=count_lines(file, form))
    with Rejects(file, rejected) as rejects, _progress() as progress:
        lines = read_lines(file, form)
        if dry_run:
            task = progress.add_task("checking", total=report.lines)
            _check(lines, settings, report, rejects, lambda n: progress.advance(task, n))
        else:
            sending = _Sending(settings, on_model_missing, report, rejects, progress)
            sending.run(lines, secrets.token_hex() if again else "")
    report.rejected, report.rejected_file = rejects.count, rejects.written
    report.seconds = round(time.monotonic() - began, 1)
    if json:
        print_json(report)
    else:
        print_text(_summary(report))
    if report.rejected:
        raise typer.Exit(1)


def _check(
    lines: Iterable[Line], settings: Settings, report: Report, rejects: Rejects, advance: Advance
) -> None:
    """Judge each line as the service does that knows nobody yet."""
    for line in lines:
        code, reason = _judged(line, settings)
        if reason is None:
            report.taken += 1
        else:
            rejects.add(line, code, reason)
        advance(1)


def _judged(line: Line, settings: Settings) -> tuple[int, str | None]:
    if line.reason is not None:
        return 422, line.reason
    if len(line.item) > settings.body_limit:
        return 413, f"The line is larger than {settings.body_limit} bytes"
    sent = as_object(decode_json(line.item, object))
    try:
        identified = draft(sent, now()).identified
    except InvalidDraft as error:
        return 422, str(error)
    return 422, None if identified else missing_identifier_sentence(None)


class _Sending:
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
                told = f"What stands before line {portion.lines[0].number} is sent. {_SAFE}"
                raise OperatorError(f"{error}. {told}") from None
            self._progress.advance(task, len(portion.lines))

    def _portions(self, lines: Iterator[Line], advance: Advance) -> Iterator[Portion]:
        """Lines that fit one request; what is no user at all is rejected here."""
        most = min(_PORTION_BYTES, self._settings.batch_limit) - _ENVELOPE_BYTES
        part: list[Line] = []
        size = 0
        for line in lines:
            if line.reason is not None or len(line.item) > self._settings.body_limit:
                code, reason = _judged(line, self._settings)
                self._rejects.add(line, code, reason or "")
                advance(1)
                continue
            if part and size + len(line.item) + 1 > most:
                yield self._portion(part)
                part, size = [], 0
            part.append(line)
            size += len(line.item) + 1
        if part:
            yield self._portion(part)

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
            # The item's place in the request tells nobody anything.
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


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=STDERR,
        disable=not STDERR.is_terminal,
    )


def _summary(report: Report) -> str:
    lines = [
        f"{report.lines} users in the file",
        f"{report.taken} {'can be taken' if report.dry_run else 'taken'}",
    ]
    if report.skipped:
        lines.append(f"{report.skipped} skipped, for they do not exist")
    if report.repeated:
        lines.append(f"{report.repeated} of these were sent by an earlier run already")
    lines.append(f"{report.rejected} rejected")
    if report.rejected_file is not None:
        lines.append(f"  see {report.rejected_file}")
    return "\n".join(lines)
