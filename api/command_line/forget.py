"""`profilelog forget users.csv`: forget many users through a running service (contract §8).

The file is read twice: first to see that all of it can be read, before anybody is forgotten, and
then to work through it. Reports and messages name lines of the file and nothing that stands in
them.
"""

import contextlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from api.command_line.bars import counting_bar
from api.command_line.given import secret_of
from api.command_line.logs import configure_logging
from api.command_line.options import (
    DataOption,
    JsonOption,
    SecretFileOption,
    SecretOption,
    UrlOption,
)
from api.command_line.output import print_json, print_text
from api.command_line.service_client import Client, refused
from api.command_line.user_file import User, count_users, read_users
from api.settings import Settings
from schemas.errors import OperatorError

_SLICE_USERS: Final = 1000
_SLICE_BYTES: Final = 512 << 10  # half of what the service takes
_REASONS: Final = {
    409: "its identifiers belong to different users",
    422: "no identifier, a bad one, or not as many fields as the header line has",
}


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

    def fail(self, line: int, code: int) -> None:
        """Note what the service said about a line: 404 is no error, the rest is."""
        if code == 404:
            self.not_found.append(line)
        else:
            reason = _REASONS.get(code, f"the service answered {code}")
            self.errors.append(Failed(line, code, reason))


class _Deletion(msgspec.Struct):
    id: str


class _ItemError(msgspec.Struct):
    code: int
    index: int


class _Answer(msgspec.Struct):
    """What is used of the answer to `POST /v3/edit/profiles/forget`."""

    deletions: list[_Deletion]
    errors: list[_ItemError] = []


def forget(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            help="A CSV file whose header line names uid, email or id; other columns are ignored.",
        ),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Forget nobody, only say how many of them exist.")
    ] = False,
    url: UrlOption = None,
    secret: SecretOption = None,
    secret_file: SecretFileOption = None,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Forget the users of a file: all of their data, for good."""
    settings = Settings.load(url=url, secret=secret_of("--secret", secret, secret_file), data=data)
    configure_logging("warning")  # httpx logs addresses at INFO
    report = Report(dry_run, users=count_users(file))
    with Client(settings) as client, counting_bar() as progress:
        task = progress.add_task("looking up" if dry_run else "forgetting", total=report.users)
        for users in _slices(read_users(file)):
            with _telling_how_far(users[0].line, some_done=progress.tasks[task].completed > 0):
                _handle(client, users, report)
            progress.advance(task, len(users))
    if json:
        print_json(report)
    else:
        print_text(_summary(report))
    if report.errors:
        raise typer.Exit(1)


@contextlib.contextmanager
def _telling_how_far(line: int, *, some_done: bool) -> Generator[None]:
    """Add to an error that stops the work how much of it is done."""
    try:
        yield
    except OperatorError as error:
        if not some_done:
            raise
        raise OperatorError(
            f"{error}. What stands before line {line} is done; starting over does no harm"
        ) from None


def _handle(client: Client, users: list[User], report: Report) -> None:
    good = [user for user in users if user.identifiers]
    for user in users:
        if not user.identifiers:
            report.fail(user.line, 422)
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
        report.fail(user.line, response.status_code)


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
        report.fail(users[error.index].line, error.code)


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
    return "\n".join(lines)
