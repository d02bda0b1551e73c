"""Files of users as an import reads them."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.command_line.import_file import LONGEST_LINE, Format, Line, count_lines, read_lines
from schemas.errors import OperatorError


def read(path: Path, content: str | bytes, form: Format) -> list[Line]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    lines = list(read_lines(path, form))
    assert count_lines(path, form) == len(lines)
    return lines


def items(lines: list[Line]) -> list[object]:
    return [json.loads(line.item) if line.reason is None else line.reason for line in lines]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("u.csv", Format.CSV),
        ("u.CSV", Format.CSV),
        ("u.ndjson", Format.NDJSON),
        ("u.jsonl", Format.NDJSON),
    ],
)
def test_a_files_name_says_how_it_is_written(name: str, form: Format) -> None:
    assert Format.of(Path(name)) is form


def test_a_name_that_says_nothing_is_told() -> None:
    with pytest.raises(OperatorError, match="--format"):
        Format.of(Path("users.txt"))


def test_header_names_are_properties_and_an_empty_cell_is_not_sent(tmp_path: Path) -> None:
    content = '\ufeffuid,User Role,note\n1,admin,\n\n2,,"two\nlines"\n3,,last\n'

    lines = read(tmp_path / "u.csv", content, Format.CSV)

    assert items(lines) == [
        {"uid": "1", "User Role": "admin"},
        {"uid": "2", "note": "two\nlines"},
        {"uid": "3", "note": "last"},
    ]
    assert [line.number for line in lines] == [2, 4, 6]
    assert lines[1].text == '2,,"two\nlines"'


def test_a_row_of_another_width_has_a_reason(tmp_path: Path) -> None:
    (line,) = read(tmp_path / "u.csv", "uid,plan\n1,free,more\n", Format.CSV)

    assert line.reason == "The line has 3 fields, and the header line 2"
    assert line.text == "1,free,more"


def test_a_cell_may_be_as_long_as_a_line_of_json(tmp_path: Path) -> None:
    cell = "x" * (1 << 20)

    long, other = read(tmp_path / "u.csv", f"uid,note\n1,{cell}\n2,y\n", Format.CSV)

    assert items([long, other]) == [{"uid": "1", "note": cell}, {"uid": "2", "note": "y"}]


@pytest.mark.parametrize("header", ["", "uid,", "uid,uid"])
def test_a_header_line_that_does_not_name_its_columns_is_told(tmp_path: Path, header: str) -> None:
    with pytest.raises(OperatorError, match="name each of its columns"):
        read(tmp_path / "u.csv", f"{header}\n1,2\n", Format.CSV)


@pytest.mark.parametrize("content", [b'uid\n1\n"2\n', b"uid\n1\n\xff\n"])
def test_what_is_no_csv_is_told_by_its_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "u.csv"
    path.write_bytes(content)

    with pytest.raises(OperatorError, match=r"is no .*, from line \d on"):
        count_lines(path, Format.CSV)


_cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@given(st.lists(st.lists(_cells, min_size=2, max_size=2), max_size=5))
def test_what_a_writer_of_csv_writes_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *rows])

    lines = read(tmp_path_factory.mktemp("csv") / "u.csv", written.getvalue(), Format.CSV)

    wanted = [{name: it for name, it in zip("ab", row, strict=True) if it} for row in rows]
    assert items(lines) == wanted


def test_lines_of_json_are_sent_as_they_are(tmp_path: Path) -> None:
    content = b'\xef\xbb\xbf{"uid": 1}\r\n\n  {"uid":2,"x":1.50}\n{"uid":3}'

    lines = read(tmp_path / "u.ndjson", content, Format.NDJSON)

    assert [line.item for line in lines] == [b'{"uid": 1}', b'{"uid":2,"x":1.50}', b'{"uid":3}']
    assert [line.number for line in lines] == [1, 3, 4]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"uid":1},', "The line is not JSON"),
        (b'{"uid":1}{"uid":2}', "The line is not JSON"),
        (b'{"uid":NaN}', "The line is not JSON"),
        (b'{"uid":"\xff"}', "The line is not JSON"),
        (b"[1]", "The line must be a JSON object"),
        (b'"' + b"[" * 3 + b'"', "The line must be a JSON object"),
        (b"[" * 5000, "The line is nested too deeply"),
    ],
)
def test_what_is_no_object_has_a_reason(tmp_path: Path, line: bytes, reason: str) -> None:
    good, bad = read(tmp_path / "u.ndjson", b'{"uid":1}\n' + line + b"\n", Format.NDJSON)

    assert (good.reason, bad.reason, bad.number) == (None, reason, 2)


@pytest.mark.parametrize("form", Format)
def test_a_line_without_an_end_is_not_read_into_memory(tmp_path: Path, form: Format) -> None:
    path = tmp_path / "users"
    path.write_bytes(b'{"uid":1}\n' + b"x" * (LONGEST_LINE + 1))

    with pytest.raises(OperatorError, match="line 2 of"):
        count_lines(path, form)
