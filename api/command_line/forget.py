"""`profilelog forget users.csv`: forget many users through a running service (contract §8).

The file or pipe is read to its end, once, before anybody is forgotten, to see that all of it can be read; then the
command works through the copy that was kept (`input_file`). Reports and messages name lines of the file and nothing
that stands in them.
"""

import contextlib
from collections.abc import Generator, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from api.command_line.bars import counting_bar
from api.command_line.given import secret_of
from api.command_line.input_file import Input, check_path
from api.command_line.logs import configure_logging
from api.command_line.options import (
    DataOption,
    JsonOption,
    SecretFileOption,
    SecretOption,
    UrlOption,
)
from api.command_line.output import STDERR, print_json, print_text
from api.command_line.process import Interrupted
from api.command_line.service_client import Client, refusal, refused
from api.command_line.user_file import Column, User, read_users
from api.settings import Settings
from schemas.errors import ItemError, OperatorError

_SLICE_USERS: Final = 1000
_SLICE_BYTES: Final = 512 << 10  # half of what the service takes
_NOT_FOUND_EXIT: Final = 3
_OWN_IDS: Final = ". Where the column id holds your own ids, choose another one with --by"


class Failed(msgspec.Struct):
    """A line that was not done, and why; `code` as in the contract's errors."""

    line: int
    code: int
    reason: str


class Report(msgspec.Struct):
    """What became of the file. `found` counts users in a dry run, `deletions` are receipts' ids."""

    dry_run: bool
    users: int = 0
    found: int = 0
    deletions: list[str] = []
    not_found: list[int] = []
    errors: list[Failed] = []

    def fail(self, user: User, code: int, reason: str) -> None:
        """Note why a line was not done: 404 is no error, the rest is."""
        if code == 404:
            self.not_found.append(user.line)
            return
        if code == 409 and "id" in user.identifiers:
            reason += _OWN_IDS
        self.errors.append(Failed(user.line, code, reason))


class _Deletion(msgspec.Struct):
    id: str


class _Answer(msgspec.Struct):
    """What is used of the answer to `POST /v3/edit/profiles/forget`."""

    deletions: list[_Deletion]
    errors: list[ItemError] = []


def forget(
    file: Annotated[
        Path,
        typer.Argument(
            callback=check_path,
            help="A CSV file whose header line names uid, email or id; other columns are ignored. "
            "`-` reads the standard input.",
        ),
    ],
    by: Annotated[
        Column | None,
        typer.Option(
            help="The column that says who is meant.", show_default="all three, which must agree"
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Forget nobody, only say how many of them exist.")
    ] = False,
    url: UrlOption = None,
    secret: SecretOption = None,
    secret_file: SecretFileOption = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Forget the users of a file: all of their data, for good.

    Exit code: 0 every line forgot somebody, 3 some users were not found, 1 some lines are errors.
    """
    settings = Settings.load(url=url, secret=secret_of("--secret", secret, secret_file), data=data)
    configure_logging("warning")  # httpx logs addresses at INFO
    report = Report(dry_run)
    try:
        _work_through(file, by, settings, report)
    except BaseException:
        if report.found:
            _show(report, json)
        raise
    _show(report, json)
    if report.errors:
        raise typer.Exit(1)
    if report.not_found:
        raise typer.Exit(_NOT_FOUND_EXIT)


def _work_through(file: Path, by: Column | None, settings: Settings, report: Report) -> None:
    with Client(settings) as client, Input(file) as source, counting_bar() as progress:
        with source.refusing():
            for _ in progress.track(read_users(source.read(), by), description="reading"):
                report.users += 1
        what = "looking up" if report.dry_run else "forgetting"
        task = progress.add_task(what, total=report.users)
        for part in _slices(read_users(source.again(), by)):
            with _telling_how_far(part[0].line, some_done=progress.tasks[task].completed > 0):
                _handle(client, part, report)
            progress.advance(task, len(part))


def _show(report: Report, json: bool) -> None:
    if json:
        print_json(report)
    else:
        print_text(_summary(report))


@contextlib.contextmanager
def _telling_how_far(line: int, *, some_done: bool) -> Generator[None]:
    """Say, where something stops the work, how much of it is done."""
    advice = f"What stands before line {line} is done; starting over does no harm"
    try:
        yield
    except OperatorError as error:
        if not some_done:
            raise
        raise OperatorError(f"{error}. {advice}") from None
    except KeyboardInterrupt:
        STDERR.print(f"profilelog: interrupted. {advice}", soft_wrap=True)
        raise Interrupted from None


def _handle(client: Client, users: list[User], report: Report) -> None:
    good = [user for user in users if user.reason is None]
    for user in users:
        if user.reason is not None:
            report.fail(user, 422, user.reason)
    if report.dry_run:
        for user in good:
            _look_up(client, user, report)
    elif good:
        _forget(client, good, report)


def _look_up(client: Client, user: User, report: Report) -> None:
    query = {**user.identifiers, "expand[profile]": "min"}
    response = client.send("GET", "/v3/analyze/profile", params=query)
    if response.is_success:
        report.found += 1
    else:
        report.fail(user, response.status_code, refusal(response))


def _forget(client: Client, users: list[User], report: Report) -> None:
    """Forget one slice.

    One that has to be sent again finds who was forgotten by the first attempt no more; the
    report then counts them as not found.
    """
    body = {"profiles": [user.identifiers for user in users]}
    path = "/v3/edit/profiles/forget"
    response = client.send("POST", path, json=body)
    if not response.is_success:
        raise refused(response)
    answer = msgspec.json.decode(response.content, type=_Answer)
    report.deletions += [deletion.id for deletion in answer.deletions]
    report.found += len(answer.deletions)
    for error in answer.errors:
        report.fail(users[error.index], error.code, error.message)


def _slices(users: Iterator[User]) -> Iterator[list[User]]:
    """Runs of users that fit one request."""
    part: list[User] = []
    size = 0
    for user in users:
        cost = len(msgspec.json.encode(user.identifiers)) + 1
        if part and (len(part) == _SLICE_USERS or size + cost > _SLICE_BYTES):
            yield part
            part, size = [], 0
        part.append(user)
        size += cost
    if part:
        yield part


def _summary(report: Report) -> str:
    done = "exist" if report.dry_run else "forgotten"
    lines = [
        f"{report.users} users in the file",
        f"{report.found} {done}",
        f"{len(report.not_found)} not found",
        f"{len(report.errors)} errors",
        *(f"  line {error.line}: {error.code}, {error.reason}" for error in report.errors),
    ]
    if report.not_found:
        lines.append(f"not found, by line: {', '.join(_runs(report.not_found))}")
    return "\n".join(lines)


def _runs(numbers: Iterable[int]) -> Iterator[str]:
    """Ascending numbers, those that follow one another as one: `3`, `7-12`."""
    for _, run in groupby(enumerate(numbers), lambda each: each[1] - each[0]):
        members = [number for _, number in run]
        yield str(members[0]) if len(members) == 1 else f"{members[0]}-{members[-1]}"
