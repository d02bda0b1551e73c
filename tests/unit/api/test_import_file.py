"""Files of users as an import reads them."""

import json
import os
from pathlib import Path

import pytest

from api.command_line.import_file import LONGEST_LINE, Format, Line, check_lines, read_lines
from api.command_line.input_file import Input
from schemas.errors import OperatorError
from schemas.tables.lines import UnreadableTable


def read(content: str | bytes, form: Format) -> list[Line]:
    content = content if isinstance(content, bytes) else content.encode()
    lines = list(read_lines([content], form))
    assert len(list(check_lines([content], form))) == len(lines)
    return lines


def items(lines: list[Line]) -> list[object]:
    return [json.loads(line.item) if line.reason is None else line.reason for line in lines]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("u.csv", Format.CSV),
        ("u.CSV", Format.CSV),
        ("u.tsv", Format.CSV),
        ("u.ndjson", Format.NDJSON),
        ("u.jsonl", Format.NDJSON),
    ],
)
def test_a_files_name_says_how_it_is_written(tmp_path: Path, name: str, form: Format) -> None:
    (tmp_path / name).write_text("x")

    with Input(tmp_path / name) as source:
        assert Format.of(source) is form


def test_a_name_that_says_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "users.txt").write_text("uid")

    with Input(tmp_path / "users.txt") as source, pytest.raises(OperatorError, match="--format"):
        Format.of(source)


@pytest.mark.parametrize(
    ("content", "form"),
    [
        ('\ufeff\r\n {"uid":1}\n'.encode(), Format.NDJSON),
        ('{"uid":1}'.encode("utf-16"), Format.NDJSON),
        (b"uid,{\n", Format.CSV),
        (b"\n\n", Format.CSV),
    ],
)
def test_of_a_pipe_the_first_character_says_how_it_is_written(content: bytes, form: Format) -> None:
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)

    with Input(Path(f"/dev/fd/{reading}")) as source:
        assert Format.of(source) is form
        assert b"".join(source.read()) == content
    os.close(reading)


def test_header_names_are_properties_and_an_empty_cell_is_not_sent() -> None:
    content = '\ufeffuid,User Role,note\n1,admin,\n\n2,,"two\nlines"\n3,,last\n'

    lines = read(content, Format.CSV)

    assert items(lines) == [
        {"uid": "1", "User Role": "admin"},
        {"uid": "2", "note": "two\nlines"},
        {"uid": "3", "note": "last"},
    ]
    assert [line.number for line in lines] == [2, 4, 6]
    assert lines[1].text == '2,,"two\nlines"'


def test_header_names_may_be_written_in_any_case_with_blanks_around_them() -> None:
    lines = read(" UID ;\tEMail; ID;Company_Uid;Plan \r1;a@x;;acme;gold\r", Format.CSV)

    assert items(lines) == [{"uid": "1", "email": "a@x", "company_uid": "acme", "Plan": "gold"}]


def test_last_cells_may_be_missing_and_blank_lines_and_cells_say_nothing() -> None:
    lines = read("uid,plan,role\n1,free\n2\n,,,,,\n\n3, ,admin\n", Format.CSV)

    assert items(lines) == [
        {"uid": "1", "plan": "free"},
        {"uid": "2"},
        {"uid": "3", "role": "admin"},
    ]
    assert [line.number for line in lines] == [2, 3, 6]


def test_a_row_of_more_cells_than_the_header_has_a_reason() -> None:
    (line,) = read("uid,plan\n1,free,more\n", Format.CSV)

    assert line.reason == "The line has 3 fields, and the header line 2"
    assert line.text == "1,free,more"


def test_a_column_without_a_name_is_passed_over_while_it_is_empty() -> None:
    lines = read("uid,,plan,\n1,,gold, \n2\n3,,gold\n", Format.CSV)

    assert items(lines) == [
        {"uid": "1", "plan": "gold"},
        {"uid": "2"},
        {"uid": "3", "plan": "gold"},
    ]


def test_a_value_in_a_column_without_a_name_is_refused_with_its_line() -> None:
    with pytest.raises(UnreadableTable, match=r"a value in column 4, .* from line 3 on"):
        read("uid,,plan,\n1,,gold,\n2,,gold,x\n", Format.CSV)


@pytest.mark.parametrize("header", ["uid,User Role,user_role", "uid,plan,plan", "uid,Plan,PLAN!"])
def test_two_columns_of_one_property_are_refused(header: str) -> None:
    with pytest.raises(UnreadableTable, match="two columns, 2 and 3, from line 2 on"):
        read(f"\n{header}\n1,2,3\n", Format.CSV)


@pytest.mark.parametrize("name", ["uid", "company_uid"])
def test_a_number_that_a_spreadsheet_rounded_has_a_reason(name: str) -> None:
    (cell,) = read(f"email,{name}\na@x,9.0072E+16\n", Format.CSV)
    (line,) = read(f'{{"email":"a@x","{name}":"9.0072E+16"}}', Format.NDJSON)

    for found in (cell, line):
        assert found.reason is not None
        assert f"{name} is in the form 1.2E+16" in found.reason


def test_a_cell_may_be_as_long_as_a_line_of_json() -> None:
    cell = "x" * (1 << 20)

    long, other = read(f"uid,note\n1,{cell}\n2,y\n", Format.CSV)

    assert items([long, other]) == [{"uid": "1", "note": cell}, {"uid": "2", "note": "y"}]


def test_lines_of_json_are_sent_as_they_are() -> None:
    content = b'\xef\xbb\xbf{"uid": 1}\r\n\n  {"uid":2,"x":1.50}\r{"uid":3}'

    lines = read(content, Format.NDJSON)

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
def test_what_is_no_object_has_a_reason(line: bytes, reason: str) -> None:
    good, bad = read(b'{"uid":1}\n' + line + b"\n", Format.NDJSON)

    assert (good.reason, bad.reason, bad.number) == (None, reason, 2)


@pytest.mark.parametrize("form", Format)
def test_a_line_without_an_end_is_not_read_into_memory(form: Format) -> None:
    chunks = iter(
        [b'{"uid":1}\n' if form is Format.NDJSON else b"uid\n", *[b"x" * LONGEST_LINE] * 3]
    )

    with pytest.raises(UnreadableTable, match="from line 2 on"):
        list(check_lines(chunks, form))
    assert next(chunks, None) is not None
