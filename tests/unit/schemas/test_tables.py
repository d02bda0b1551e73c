"""CSV as spreadsheets and other programs write it."""

import contextlib
import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Unprocessable
from schemas.tables.identifiers import check_cell, check_digits, identifiers
from schemas.tables.lines import UnreadableTable, split_lines
from schemas.tables.rows import Row, Table


def chunks(content: bytes, size: int) -> Iterator[bytes]:
    return (content[at : at + size] for at in range(0, len(content), size))


def rows(content: str | bytes, size: int = 64) -> list[Row]:
    content = content if isinstance(content, bytes) else content.encode()
    return list(Table(chunks(content, size), longest=1000))


def cells(content: str | bytes) -> list[list[str]]:
    return [row.cells for row in rows(content)]


# ---------------------------------------------------------------------- lines

_bytes = st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\r\n", "é".encode(), b"\xff"])).map(
    b"".join
)


@given(_bytes, st.integers(1, 9))
def test_lines_are_the_same_however_the_bytes_come(content: bytes, size: int) -> None:
    assert list(split_lines(chunks(content, size), 1000)) == content.splitlines(keepends=True)


@given(st.text(), st.integers(1, 9), st.sampled_from(["utf-8-sig", "utf-16", "be"]))
def test_marked_text_becomes_utf_8(text: str, size: int, encoding: str) -> None:
    marked = f"\ufeff{text}".encode("utf-16-be") if encoding == "be" else text.encode(encoding)

    assert b"".join(split_lines(chunks(marked, size), 1000)) == text.encode()


def test_a_line_that_is_too_long_is_refused_before_it_ends() -> None:
    endless = iter([b"a\n", b"x" * 6, b"x" * 6, b"never read"])

    with pytest.raises(UnreadableTable, match="more than 10 bytes, from line 2 on"):
        list(split_lines(endless, 10))
    assert next(endless) == b"never read"


# ---------------------------------------------------------------------- rows

_cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@given(
    st.lists(st.lists(_cells, min_size=2, max_size=2), max_size=5),
    st.sampled_from(",;\t"),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.integers(1, 64),
)
def test_what_a_writer_of_csv_writes_is_read(
    written: list[list[str]], delimiter: str, newline: str, encoding: str, size: int
) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, lineterminator=newline, quoting=csv.QUOTE_ALL)
    writer.writerows([["a;,\tb", " UID "], *written])
    content = file.getvalue()

    table = Table(chunks(content.encode(encoding), size))

    assert table.names == ["a;,\tb", "uid"]
    found = list(table)
    assert [row.cells for row in found] == written
    texts = content.encode().splitlines(keepends=True)
    for row in found:
        assert b"".join(texts[row.line - 1 :]).decode().startswith(row.text)


@given(st.lists(st.sampled_from([*'",;\t\r\n\0 a', "uid", "email", "\ufeff", "é"])))
def test_whatever_stands_there_is_read_or_refused(pieces: list[str]) -> None:
    with contextlib.suppress(UnreadableTable):
        found = rows("".join(pieces))
        assert all(row.blank == (not "".join(row.cells).strip()) for row in found)


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("uid", ["uid"]),
        ("uid,note; see, below", ["uid", "note; see", "below"]),
        ("uid;Full name (last, first, middle)", ["uid", "Full name (last, first, middle)"]),
        ("\tEmail\tUser Role\t", ["", "email", "User Role", ""]),
        ("\u00a0 EMAIL\u200b, Company_UID ,Plan ", ["email", "company_uid", "Plan"]),
        ('"uid";"a;b"', ["uid", "a;b"]),
        ('"id","a\nb"', ["id", "a\nb"]),
    ],
)
def test_the_header_tells_the_delimiter(header: str, names: list[str]) -> None:
    assert Table([header.encode()]).names == names


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n",
        "name,plan\n1,2",
        "uid,UID",
        "uid,x;email",
        "email\tid,a;uid",
        "uid_,e-mail",
        "sep=,\nuid;a",
    ],
)
def test_a_header_that_does_not_say_who_is_meant_is_refused(content: str) -> None:
    with pytest.raises(UnreadableTable, match="has no proper header line"):
        rows(content)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_more_than_one_mark_hides_no_column(encoding: str) -> None:
    content = '\ufeff\ufeff\ufeff"id","uid"\n42,17\n'.encode(encoding)

    assert Table(iter([content])).names == ["id", "uid"]


@pytest.mark.parametrize("header", ['uid, "email"', '\u200b"id","uid"', '\n\ufeff"id","uid"'])
def test_a_name_that_something_before_its_quotes_hides_is_refused(header: str) -> None:
    with pytest.raises(UnreadableTable, match="begins with a quotation mark"):
        rows(f"{header}\n42,17\n")


@pytest.mark.parametrize("blank", ["\n" * 101, " " * 996 + "\n"], ids=["lines", "blanks"])
def test_a_header_is_not_looked_for_without_end(blank: str) -> None:
    assert cells(blank[1:] + "uid\n1") == [["1"]]
    with pytest.raises(UnreadableTable):
        rows(blank + "uid\n1")


@pytest.mark.parametrize("content", ["uid" + ",x" * 10_000, "uid" + ",x" * 20_000])
def test_a_header_of_too_many_columns_is_refused(content: str) -> None:
    with pytest.raises(UnreadableTable):
        Table([content.encode()])


def test_a_cell_of_one_column_may_hold_other_delimiters() -> None:
    assert cells("uid\n1;2\n3\t4\n5,6\n") == [["1;2"], ["3\t4"], ["5", "6"]]


def test_rows_bear_the_number_of_the_line_that_an_editor_shows() -> None:
    found = rows('\r\nuid,a\r1,"two\rlines"\r\r\n2,"\r\n\n"\n3,\n')

    assert [row.line for row in found] == [3, 5, 6, 9]
    assert [row.text for row in found] == ['1,"two\rlines"', "", '2,"\r\n\n"', "3,"]
    assert [row.blank for row in found] == [False, True, False, False]


@pytest.mark.parametrize(
    ("broken", "line", "reason"),
    [
        (b"J\xf6rg", 5, "is no UTF-8"),
        (b'"a\rb\xff"', 6, "is no UTF-8"),
        (b"\0", 5, "NUL"),
        (b'"open\r\r', 5, "is no proper CSV"),
        (b'"a"b', 5, "is no proper CSV"),
        (b"x" * 1001, 5, "more than 1000 bytes"),
        (b'"' + b"x\r" * 501 + b'"', 5, "more than 1000 bytes"),
    ],
)
def test_what_cannot_be_read_is_told_by_its_line(broken: bytes, line: int, reason: str) -> None:
    content = b'uid,a\r1,"two\rlines"\r2,b\r3,%b\r4,c' % broken

    with pytest.raises(UnreadableTable, match=f"{reason}.*, from line {line} on"):
        rows(content)


def test_utf_16_that_is_cut_off_or_has_no_mark_is_refused() -> None:
    text = "uid\n1\n2"

    with pytest.raises(UnreadableTable, match="from line 3 on"):
        rows(text.encode("utf-16")[:-1])
    with pytest.raises(UnreadableTable, match="NUL byte, from line 1 on"):
        rows(text.encode("utf-16-le"))


# ---------------------------------------------------------------------- identifiers


def named(line: str, header: str = "uid,email,id,x") -> dict[str, str]:
    table = Table([f"{header}\n{line}\n".encode()])
    return identifiers(next(iter(table)), table.names)


def test_a_row_names_by_the_cells_that_are_not_blank() -> None:
    assert named("1,,  ,y") == {"uid": "1"}
    assert named(" ,a@x,,") == {"email": "a@x"}


def test_a_row_with_a_value_in_a_column_without_a_name_names_nobody() -> None:
    assert named("1,2,", header="x,uid,") == {"uid": "2"}
    with pytest.raises(
        Unprocessable, match="a value in column 3, which the header line does not name"
    ):
        named("Doe,1,2", header="x,uid,")


@pytest.mark.parametrize("line", ["1", "1,,", "1,,,,", "1,,,,,y"])
def test_a_row_of_another_width_names_nobody(line: str) -> None:
    with pytest.raises(Unprocessable, match=r"The line has \d fields, and the header line 4"):
        named(line)


@pytest.mark.parametrize("text", ["9.0072E+16", "9,01e+16", "9E+16", "-9.E+16", " 1.5E+10 "])
def test_a_number_that_a_spreadsheet_rounded_names_nobody(text: str) -> None:
    with pytest.raises(Unprocessable, match="without its last digits"):
        check_cell("uid", text)


@pytest.mark.parametrize("text", ["1e10", "9.0072E16", "E+16", "A9E+16", "9E+16x", "", "17", 90072])
def test_what_only_looks_like_one_is_a_name(text: object) -> None:
    check_digits("uid", text)


def test_blanks_around_a_uid_are_an_error_and_around_an_email_not() -> None:
    check_cell("email", " a@x ")
    with pytest.raises(Unprocessable, match="uid has blanks around it"):
        check_cell("uid", "17 ")


@pytest.mark.parametrize("line", ["\tada@example.com", "a;b", ";a", 'a\t"b"', "a;"])
def test_below_a_header_of_one_column_no_delimiter_is_guessed(line: str) -> None:
    (row,) = rows(f"email\n{line}\n")

    with pytest.raises(Unprocessable, match="put quotation marks around the field"):
        identifiers(row, ["email"])


@pytest.mark.parametrize("cell", ["a;b", "\tada@example.com", 'a"";""b'])
def test_a_quoted_field_below_a_header_of_one_column_is_one(cell: str) -> None:
    (row,) = rows(f'email\n"{cell}"\n')

    assert identifiers(row, ["email"]) == {"email": cell.replace('""', '"')}
