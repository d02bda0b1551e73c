"""Contract §8: forget the users of a CSV, as spreadsheets and other programs write it."""

import gzip

import httpx
import pytest

from tests.contract.expectations import assert_error
from tests.contract.forgetting import errors_of, forgotten_of, people
from tests.support.service import FORGET, Account, Service, marked, marked_number

MAX_LINES = 500_000


def forget_csv(account: Account, text: str | bytes, **headers: str) -> httpx.Response:
    return account.http.post(FORGET, content=text, headers={"Content-Type": "text/csv", **headers})


@pytest.mark.parametrize("column", ["uid", "email", "id"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "newline"])
def test_many_are_forgotten_by_csv(account: Account, column: str, newline: str, last: str) -> None:
    users = people(account, 2)
    lines = [column, *(user[column] for user in users)]

    answer = forget_csv(account, newline.join(lines) + (newline if last else ""))

    assert answer.status_code == 202
    assert errors_of(answer) == []
    assert forgotten_of(answer) == [user["id"] for user in users]
    assert not any(account.has(id=user["id"]) for user in users)


def test_lines_that_cannot_be_forgotten_are_errors_by_index_without_the_header(
    account: Account,
) -> None:
    one, two = people(account, 2)
    lines = ["uid", marked("uid"), one["uid"], marked("uid"), two["uid"]]

    answer = forget_csv(account, "\n".join(lines))

    assert forgotten_of(answer) == [one["id"], two["id"]]
    assert errors_of(answer) == [(404, 0), (404, 2)]


def test_a_csv_may_hold_other_columns_and_quotes(account: Account) -> None:
    uid = f'{marked("uid")}, "quoted"'
    id_ = account.known(uid=uid)
    quoted = uid.replace('"', '""')

    answer = forget_csv(account, f'name,uid,plan\n"Ada, Countess","{quoted}",gold\n')

    assert forgotten_of(answer) == [id_]


def test_a_csv_with_a_byte_order_mark_is_read(account: Account) -> None:
    (user,) = people(account, 1)

    assert forgotten_of(forget_csv(account, f"\ufeffuid\n{user['uid']}\n")) == [user["id"]]


def test_a_csv_uid_of_digits_names_the_user_with_that_number(account: Account) -> None:
    number = marked_number()
    id_ = account.known(uid=number)

    assert forgotten_of(forget_csv(account, f"uid\n{number}\n")) == [id_]


def test_a_csv_may_say_its_charset(account: Account) -> None:
    (user,) = people(account, 1)

    answer = account.http.post(
        FORGET,
        content=f"uid\n{user['uid']}\n",
        headers={"Content-Type": "text/csv; charset=utf-8"},
    )

    assert forgotten_of(answer) == [user["id"]]


def test_a_csv_of_a_header_alone_forgets_nobody(account: Account) -> None:
    answer = forget_csv(account, "uid\n")

    assert answer.status_code == 202
    assert answer.json()["deletions"] == []


@pytest.mark.parametrize("text", ["", "name\nAda\n", "\n\n", "\0\n"])
def test_a_csv_whose_header_names_no_identifier_is_422(account: Account, text: str) -> None:
    assert_error(forget_csv(account, text), 422)


def test_a_csv_that_is_no_utf_8_is_refused(account: Account) -> None:
    answer = account.http.post(
        FORGET, content=b"uid\n\xff\xfe\n", headers={"Content-Type": "text/csv"}
    )

    assert answer.status_code in {400, 422}
    assert_error(answer, answer.status_code)


# --- wrong lines


def test_a_line_with_a_cell_too_many_forgets_nobody(account: Account) -> None:
    one, two, three = people(account, 3)
    text = f"name,uid,email\nDoe, {one['uid']},{two['uid']},\nAda,{three['uid']},{three['email']}\n"

    answer = forget_csv(account, text)

    assert errors_of(answer) == [(422, 0)]
    assert "Line 2: The line has 4 fields, and the header line 3" in answer.text
    assert forgotten_of(answer) == [three["id"]]
    assert account.has(uid=one["uid"])
    assert account.has(uid=two["uid"])


def test_a_line_with_a_cell_too_few_forgets_nobody(account: Account) -> None:
    (user,) = people(account, 1)

    answer = forget_csv(account, f"uid,name\n{user['uid']}\n")

    assert errors_of(answer) == [(422, 0)]
    assert account.has(uid=user["uid"])


def test_a_line_with_a_value_under_no_name_forgets_nobody(account: Account) -> None:
    one, two, three = people(account, 3)
    text = f"name,uid,\nDoe,{one['uid']},{two['uid']}\nAda,{three['uid']}, \n"

    answer = forget_csv(account, text)

    assert errors_of(answer) == [(422, 0)]
    assert forgotten_of(answer) == [three["id"]]


def test_a_line_whose_identifiers_name_two_users_forgets_neither(account: Account) -> None:
    one, two = people(account, 2)
    text = f"uid,email\n{one['uid']},{two['email']}\n{one['uid']},{marked()}@example.com\n"

    answer = forget_csv(account, text)

    assert errors_of(answer) == [(409, 0), (409, 1)]
    assert account.has(uid=one["uid"])
    assert account.has(uid=two["uid"])


def test_empty_cells_name_nobody_and_the_others_do(account: Account) -> None:
    one, two = people(account, 2)
    text = f"uid,email\n{one['uid']},\n ,{two['email']}\n"

    assert forgotten_of(forget_csv(account, text)) == [one["id"], two["id"]]


@pytest.mark.parametrize("blank", ["", " ", ",", ",,,", " , "])
def test_blank_lines_are_passed_over_and_count_for_the_index(account: Account, blank: str) -> None:
    (user,) = people(account, 1)
    unknown = marked("uid")

    answer = forget_csv(
        account, f"{blank}\nuid,name\n{blank}\n{user['uid']},x\n{blank}\n{unknown},y\n"
    )

    assert forgotten_of(answer) == [user["id"]]
    assert errors_of(answer) == [(404, 3)]


@pytest.mark.parametrize("uid", ["9.0072E+16", "9,01E+16", "9E+16", " 9.0072e+16"])
def test_a_uid_that_a_spreadsheet_has_rounded_is_an_error(account: Account, uid: str) -> None:
    answer = forget_csv(account, f'uid\n"{uid}"\n')

    assert errors_of(answer) == [(422, 0)]
    assert "without its last digits" in answer.text
    assert uid.strip() not in answer.text


def test_a_uid_with_blanks_around_it_is_an_error_and_not_merely_unknown(account: Account) -> None:
    (user,) = people(account, 1)

    answer = forget_csv(account, f"uid\n{user['uid']} \n")

    assert errors_of(answer) == [(422, 0)]


# --- as spreadsheets write it


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters_and_line_ends_are_told_by_the_file(
    account: Account, delimiter: str, newline: str
) -> None:
    one, two = people(account, 2)
    lines = [
        ["Name", " E-Mail, old; new\t", " Email "],
        ["Doe", "", one["email"]],
        ["Roe", "x", two["email"]],
    ]
    quoted = [delimiter.join(f'"{cell}"' for cell in line) for line in lines]

    answer = forget_csv(account, newline.join(quoted))

    assert errors_of(answer) == []
    assert forgotten_of(answer) == [one["id"], two["id"]]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_marked_encodings_are_read(account: Account, encoding: str) -> None:
    (user,) = people(account, 1)
    text = f"\ufeffNäme\tUID\r\nJörg 🚧\t{user['uid']}\r\n"

    answer = forget_csv(
        account, text.removeprefix("\ufeff" * (encoding != "utf-16-be")).encode(encoding)
    )

    assert forgotten_of(answer) == [user["id"]]


def test_a_line_that_tells_spreadsheets_the_delimiter_is_no_header(account: Account) -> None:
    (user,) = people(account, 1)

    answer = forget_csv(account, f"sep=;\nuid;a,b,c\n{user['uid']};\n{marked()};\n")

    assert forgotten_of(answer) == [user["id"]]
    assert errors_of(answer) == [(404, 1)]


@pytest.mark.parametrize("header", ["uid,x;email", "uid,uid", "uid,Uid ", "id,email,ID"])
def test_a_header_that_can_be_read_in_two_ways_is_refused(account: Account, header: str) -> None:
    (user,) = people(account, 1)

    answer = forget_csv(account, f"{header}\n{','.join([user['uid']] * 3)}\n")

    assert_error(answer, 422, "header line")
    assert account.has(uid=user["uid"])


@pytest.mark.parametrize(
    "broken", [b"J\xf6rg", b'"open', b"\0", b'"a"b', b"x" * (256 << 10)], ids=range(5)
)
def test_what_cannot_be_read_is_refused_whole_with_its_line(
    account: Account, broken: bytes
) -> None:
    (user,) = people(account, 1)
    text = b'uid,name\r%b,"two\rlines"\r17,%b\r' % (user["uid"].encode(), broken)

    answer = forget_csv(account, text)

    assert_error(answer, 422, "from line 4 on")
    assert account.has(uid=user["uid"])


# --- limits


def test_a_csv_of_too_many_lines_is_413_with_the_number(account: Account) -> None:
    (user,) = people(account, 1)
    body = gzip.compress(f"uid,name\n{user['uid']},\n".encode() + b",\n" * MAX_LINES)

    answer = forget_csv(account, body, **{"Content-Encoding": "gzip"})

    assert_error(answer, 413, "500000 lines")
    assert account.has(uid=user["uid"])


def test_blank_lines_take_no_memory(service: Service, account: Account) -> None:
    (user,) = people(account, 1)
    body = b"uid,name\n" + b",\n" * 200_000 + user["uid"].encode() + b","
    service.forget_peak()
    before = service.resident()

    answer = forget_csv(account, gzip.compress(body), **{"Content-Encoding": "gzip"})

    assert forgotten_of(answer) == [user["id"]]
    assert service.peak() - before < 32 << 20


def test_a_csv_with_a_wrong_secret_is_403(account: Account) -> None:
    answer = forget_csv(account, b"\0", **{"X-Account-Secret": "wrong"})

    assert_error(answer, 403)
