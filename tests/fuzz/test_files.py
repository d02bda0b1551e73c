"""Files: a wrong line forgets nobody, and what an import reports is what the log has taken (contract §8, §12)."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import strategies as st
from typer.testing import CliRunner

from api.command_line.subcommands import app
from schemas.errors import OperatorError
from tests.fuzz.caller import Caller, Sent
from tests.fuzz.encodings import PLAIN, Encoding, encodings
from tests.fuzz.json_texts import TIMES, members, mutated, object_of, values
from tests.fuzz.pieces import Pieces, concatenated, pieces
from tests.fuzz.running import SECONDS, fuzz
from tests.support.service import FORGET

_VICTIMS: Final = 3
_DAMAGE: Final = (b'"', b"\x00", b"\xff", b"\r", b",")
_KINDS: Final = ("uid", "email", "id")
_COLUMNS: Final = ("uid", "email", "id", "name", "Plan", "")


@pytest.fixture(scope="module")
def caller(make_caller: Callable[[str], Caller]) -> Caller:
    return make_caller("Files")


# ---------------------------------------------------------------------- forget, CSV


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file to be: cells such as `email:1` stand for what the second victim has."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    delimiter: str = ","
    line_end: str = "\n"
    quoting: int = csv.QUOTE_MINIMAL
    mark: str = ""
    encoding: Encoding = PLAIN
    damage: bytes = b""
    """What is put into the middle of the file."""

    def written(self, people: list[dict[str, str]]) -> bytes:
        text = io.StringIO()
        writer = csv.writer(
            text,
            delimiter=self.delimiter,
            lineterminator=self.line_end,
            quoting=self.quoting,  # pyright: ignore[reportArgumentType] - one of csv's constants
        )
        writer.writerow(self.header)
        writer.writerows([_meant(cell, people) for cell in row] for row in self.rows)
        written = (self.mark + text.getvalue()).encode(errors="surrogatepass")
        middle = len(written) // 2
        return written[:middle] + self.damage + written[middle:]

    def named(self) -> set[int]:
        """The victims whom some line names, as its header says and no less: nobody else may be forgotten."""
        columns = [name.strip().lower() for name in self.header]
        found: set[int] = set()
        for row in self.rows:
            meant = {
                int(cell[-1]) if cell.startswith(f"{name}:") else None
                for name, cell in zip(columns, row, strict=False)
                if name in _KINDS and cell.strip()
            }
            if len(row) == len(self.header) and len(meant) == 1:
                found |= {each for each in meant if each is not None}
        return found


def _meant(cell: str, people: list[dict[str, str]]) -> str:
    kind, separator, number = cell.partition(":")
    return people[int(number)][kind] if separator and kind in people[0] else cell


def _cells() -> st.SearchStrategy[str]:
    victim = st.sampled_from([f"{kind}:{n}" for kind in _KINDS for n in range(_VICTIMS)])
    other = st.sampled_from(
        (
            "",
            "",
            "nobody",
            "undefined",
            "9.0072E+16",
            'a "quote"',
            "Doe, Jane",
            "a;b",
            "\t",
            "ü",
            "\ud800",
        )
    )
    return st.one_of(victim, victim, other, st.text(max_size=4))


@st.composite
def _rows(draw: st.DrawFn, header: tuple[str, ...]) -> tuple[str, ...]:
    """Mostly what the header says, sometimes with a cell too many or one missing."""
    row: list[str] = []
    for name in header:
        kind, number = name.strip().lower(), draw(st.integers(0, _VICTIMS - 1))
        fits = kind in _KINDS and draw(st.integers(0, 3))
        row.append(f"{kind}:{number}" if fits else draw(_cells()))
    at = draw(st.integers(0, len(row)))
    match draw(st.sampled_from(("even", "even", "stray", "short"))):
        case "stray":
            row.insert(at, draw(_cells()))
        case "short":
            del row[at:]
        case _:
            pass
    return tuple(row)


@st.composite
def _tables(draw: st.DrawFn) -> Table:
    header = draw(
        st.one_of(
            st.sampled_from(
                (
                    ("uid",),
                    ("uid", "name"),
                    ("email",),
                    ("id", "uid"),
                    ("Email", " uid "),
                    ("name", "uid"),
                )
            ),
            st.lists(st.sampled_from(_COLUMNS), max_size=4).map(tuple),
        )
    )
    rows = draw(st.lists(_rows(header), max_size=5))
    return Table(
        header=header,
        rows=tuple(rows),
        delimiter=draw(st.sampled_from((",", ",", ",", ";", "\t", "|"))),
        line_end=draw(st.sampled_from(("\n", "\n", "\r\n", "\r", "\n\n"))),
        quoting=draw(st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))),
        mark=draw(st.sampled_from(("", "", "", "\ufeff", "\ufeff\ufeff"))),
        encoding=draw(st.one_of(st.just(PLAIN), encodings())),
        damage=draw(st.one_of(st.just(b""), st.just(b""), st.sampled_from(_DAMAGE))),
    )


_STRAY_DELIMITERS: Final = (
    Table(("uid", "name"), (("uid:0", "Doe", " Jane"),)),
    Table(("name", "uid"), (("Doe", "uid:1", "uid:2"), ("Doe", "uid:0"))),
    Table(("uid", "name"), (("uid:0",),)),
    Table(("email",), (("", "email:0"),), delimiter="\t"),
    Table(("uid",), (("uid:0", "Jane"),), delimiter=";"),
)


def test_a_csv_forgets_nobody_whom_none_of_its_lines_names(caller: Caller) -> None:
    people: list[dict[str, str]] = []
    bystander = caller.account.known(uid="bystander", email="bystander@example.com")

    def revive() -> None:
        people[:] = [
            {
                "uid": f"victim-{n}",
                "email": f"victim-{n}@example.com",
                "id": caller.account.known(uid=f"victim-{n}", email=f"victim-{n}@example.com"),
            }
            for n in range(_VICTIMS)
        ]

    def csv_body(table: Table) -> None:
        revive()
        body = pieces(table.written(people))
        answer, taken = caller.ask(
            Sent("POST", FORGET, body, table.encoding, (("Content-Type", "text/csv"),))
        )
        forgotten = {n for n, each in enumerate(people) if not caller.account.has(id=each["id"])}
        assert set(taken) <= {"profile-forgotten"}
        assert bool(taken) == bool(forgotten)
        assert len(forgotten) == (len(answer.json()["deletions"]) if answer.is_success else 0)
        assert table.damage or forgotten <= table.named()
        assert caller.account.has(id=bystander)

    fuzz(csv_body, _tables(), examples=40, known=_STRAY_DELIMITERS)


@st.composite
def _long_files(draw: st.DrawFn) -> Sent:
    line = draw(
        st.sampled_from(
            (b",\n", b"\n", b"nobody\n", b'"', b'"\n', b'"a""', b",", b"\r", b"a,b,c\n")
        )
    )
    header = draw(st.sampled_from((b"uid\n", b"uid,name\n", b"uid", b"id,email\r\n", b"")))
    body = pieces(header) + pieces(line, draw(TIMES))
    encoding = draw(st.sampled_from((PLAIN, Encoding("gzip", "gzip"))))
    return Sent("POST", FORGET, body, encoding, (("Content-Type", "text/csv"),))


def test_a_long_csv_is_answered_soon(caller: Caller) -> None:
    def long_csv(sent: Sent) -> None:
        _, taken = caller.ask(sent)
        assert not taken

    fuzz(long_csv, _long_files(), examples=12)


@st.composite
def _named_in_json(draw: st.DrawFn) -> Sent:
    items = draw(
        st.lists(st.one_of(members().map(lambda each: object_of([each])), values()), max_size=4)
    )
    separator = draw(st.sampled_from((b",", b", ", b"\n")))
    listed = concatenated([part for each in items for part in (each, pieces(separator))][:-1])
    body = pieces(b'{"profiles":[') + listed + pieces(b"]}")
    return Sent("POST", FORGET, draw(mutated(st.just(body))), draw(encodings()))


def test_a_list_in_json_forgets_no_bystander(caller: Caller) -> None:
    bystander = caller.account.known(uid="bystander", email="bystander@example.com")

    def forget_body(sent: Sent) -> None:
        _, taken = caller.ask(sent)
        assert not taken
        assert caller.account.has(id=bystander)

    fuzz(forget_body, _named_in_json(), examples=30)


# ---------------------------------------------------------------------- import, NDJSON


@st.composite
def _lines(draw: st.DrawFn) -> Pieces:
    line = object_of([pieces(b'"uid":"a"'), *draw(st.lists(members(), max_size=2))])
    return draw(mutated(st.one_of(st.just(line), st.just(line), values())))


@st.composite
def _ndjson(draw: st.DrawFn) -> Pieces:
    end = pieces(draw(st.sampled_from((b"\n", b"\n", b"\r\n", b"\n\n", b"\r"))))
    mark = pieces(draw(st.sampled_from((b"", b"\xef\xbb\xbf"))))
    lines = draw(st.lists(_lines(), max_size=8))
    return mark + concatenated([part for each in lines for part in (each, end)])


def test_an_import_reports_what_the_log_has_taken(caller: Caller, tmp_path: Path) -> None:
    file = tmp_path / "users.ndjson"
    environment = {"PROFILELOG_URL": caller.service.url, "PROFILELOG_SECRET": caller.account.secret}
    arguments = ["import", str(file), "--again", "--json", "--rejected", str(tmp_path / "rejected")]

    def ndjson_file(content: Pieces) -> None:
        file.write_bytes(content.joined())
        caller.taken()
        done = CliRunner().invoke(app, arguments, env=environment)
        taken = caller.taken()
        if isinstance(done.exception, OperatorError):
            assert "answered 5" not in str(done.exception)
            return
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        report: dict[str, Any] = json.loads(done.stdout)
        assert taken["profile-upserted"] == report["taken"]
        assert report["lines"] == report["taken"] + report["skipped"] + report["rejected"]
        assert (done.exit_code == 0) == (report["rejected"] == 0)

    fuzz(ndjson_file, _ndjson(), examples=200 if SECONDS else 8)
