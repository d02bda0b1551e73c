"""Files of users to forget."""

import re

import pytest

from api.command_line.user_file import Column, User, read_users
from schemas.errors import OperatorError

ID = "0123456789abcdef01234567"


def read(text: str, by: Column | None = None) -> list[User]:
    return list(read_users([text.encode()], by))


def test_a_user_is_named_by_all_columns_that_say_who_is_meant() -> None:
    (user,) = read(f"uid;name;Id;Email\n17;x;{ID};a@x\n")

    assert user == User(2, {"uid": "17", "email": "a@x", "id": ID})


@pytest.mark.parametrize("column", Column)
def test_a_column_can_be_chosen_and_the_others_say_nothing(column: Column) -> None:
    cells = {"uid": "17", "email": "a@x", "id": ID}
    (user,) = read(",".join(cells) + "\n" + ",".join(cells.values()), column)

    assert user.identifiers == {column: cells[column]}


def test_ids_of_ones_own_say_nothing_when_another_column_is_chosen() -> None:
    assert [user.identifiers for user in read("id,uid\n42,17\n", Column.UID)] == [{"uid": "17"}]


@pytest.mark.parametrize(
    ("header", "line", "told"),
    [
        ("id,uid,email", "42,17,a@x", "--by uid or --by email"),
        ("id,email", f"{ID.upper()},a@x", "--by email"),
        ("ID", "42", "its right name, uid"),
    ],
)
def test_ids_of_ones_own_are_told_with_the_line_and_how_to_choose(
    header: str, line: str, told: str
) -> None:
    with pytest.raises(OperatorError, match=f"the id in line 4 .*{re.escape(told)}") as caught:
        read(f"{header}\n{',' * header.count(',')}\n\n{line}\n")
    assert line not in str(caught.value)


def test_a_column_that_is_not_there_cannot_be_chosen() -> None:
    with pytest.raises(OperatorError, match="no column uid"):
        read("id,email\n1,a@x\n", Column.UID)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("17", "has 1 fields"),
        ("17,x,", "has 3 fields"),
        (",x", "no uid, email or id"),
        ("9.0072E+16,x", "without its last digits"),
        (" 17,x", "blanks around it"),
    ],
)
def test_a_wrong_line_names_nobody_and_has_a_reason(line: str, reason: str) -> None:
    (user,) = read(f"uid,name\n{line}\n")

    assert user.identifiers == {}
    assert user.reason is not None
    assert reason in user.reason
