import sys
from unicodedata import category, normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import InvalidValue
from schemas.identifiers import (
    fold_email,
    fold_email_part,
    former_email_folds,
    missing_identifier_sentence,
    ordinal,
    parse_email,
    parse_id,
    parse_new_uid,
    parse_uid,
    trim,
    uid_text,
)


@pytest.mark.parametrize(
    "uid",
    [18821, 0, -5, 2**63, 10**767, "18821", "x", "007", "true", " ", "a\tb", "x" * 768, "é" * 384],
)
def test_a_uid_keeps_the_value_and_type_that_were_sent(uid: int | str) -> None:
    parsed = parse_uid(uid)

    assert (parsed, type(parsed)) == (uid, type(uid))


@pytest.mark.parametrize("uid", [None, True, False, 1.0, ["18821"], {"uid": "18821"}])
def test_a_uid_that_is_neither_integer_nor_string_is_refused(uid: object) -> None:
    with pytest.raises(InvalidValue, match="uid must be an integer or a string"):
        parse_uid(uid)


@pytest.mark.parametrize("uid", ["", "x" * 769, "é" * 385, "🚧" * 193, 10**768, -(10**767)])
def test_a_uid_of_no_byte_or_more_than_768_bytes_is_refused(uid: int | str) -> None:
    with pytest.raises(InvalidValue, match="uid must be 1 to 768 bytes"):
        parse_uid(uid)


def test_a_uid_of_more_digits_than_python_writes_out_is_refused() -> None:
    with pytest.raises(InvalidValue, match="uid must be 1 to 768 bytes"):
        parse_uid(10**9999)


@pytest.mark.parametrize("uid", ["a\x00b", "\x1f", "\ud800", "x\udfff", "\ud800" * 300])
def test_a_uid_with_a_control_character_or_a_lone_surrogate_is_refused(uid: str) -> None:
    with pytest.raises(InvalidValue, match="uid must hold no control character"):
        parse_uid(uid)


@pytest.mark.parametrize("uid", [18821, 0, "18821", "x", "nullable", "none-of-them", "truest"])
def test_a_uid_that_is_somebodys_own_may_create(uid: int | str) -> None:
    assert parse_new_uid(uid) == uid


@pytest.mark.parametrize(
    "uid",
    [
        *("", " ", "\t\n", "\u00a0", "\u200b\ufeff", " " * 900),
        *("undefined", "null", "none", "nil", "nan", "[object object]", "true", "false"),
        *("NaN", "[object Object]", "None", "NULL", "True", " undefined ", "\u200bnull"),
    ],
)
def test_a_uid_that_many_would_share_creates_nobody(uid: str) -> None:
    with pytest.raises(InvalidValue, match="many different users would become one"):
        parse_new_uid(uid)


def test_what_an_older_version_took_as_a_uid_can_still_be_named() -> None:
    assert parse_uid("undefined") == "undefined"


@pytest.mark.parametrize(
    ("sent", "id_"),
    [("0" * 24, "0" * 24), ("42", "42"), (None, None), ("", None), ("\u200b ", None)],
)
def test_an_id_is_taken_as_sent_and_null_when_it_is_blank(sent: object, id_: str | None) -> None:
    assert parse_id({"id": sent}) == id_


@pytest.mark.parametrize("beside", [{"uid": "x"}, {"email": "x@acme.software"}])
def test_a_number_beside_a_name_is_an_id_of_another_form(beside: dict[str, object]) -> None:
    assert parse_id({"id": 42, **beside}) == "42"


@pytest.mark.parametrize("sent", [42, True, 1.0, [], {}])
def test_an_id_of_another_type_is_refused(sent: object) -> None:
    with pytest.raises(InvalidValue, match="id must be a string"):
        parse_id({"id": sent})


def test_18821_the_number_and_the_string_are_the_same_user() -> None:
    assert uid_text(18821) == uid_text("18821") == "18821"


def test_strings_that_are_written_differently_are_different_users() -> None:
    assert uid_text("018821") != uid_text(18821)


@pytest.mark.parametrize(
    ("email", "kept"),
    [
        ("jane@acme.software", "jane@acme.software"),
        (" Jane@Acme.Software\n", "Jane@Acme.Software"),
        ("\ufeff \u200bjane@acme.software\u00a0\u200d", "jane@acme.software"),
        ("ja\u200bne@acme.software", "ja\u200bne@acme.software"),
        ("no address at all", "no address at all"),
        ("e\u0301@acme.software", "e\u0301@acme.software"),
        (" " * 800 + "x" * 768, "x" * 768),
    ],
)
def test_an_email_is_kept_as_sent_but_for_blanks_at_its_ends(email: str, kept: str) -> None:
    assert parse_email(email) == kept


@pytest.mark.parametrize("email", [None, "", "  ", "\t\n", "\u00a0\u200b", "\ufeff", " " * 900])
def test_a_null_or_blank_email_is_none(email: str | None) -> None:
    assert parse_email(email) is None


@pytest.mark.parametrize("email", ["x" * 769, "é" * 385])
def test_an_email_that_is_too_long_is_refused(email: str) -> None:
    with pytest.raises(InvalidValue, match="email must be at most 768 bytes"):
        parse_email(email)


@pytest.mark.parametrize("email", [12, True, 1.5, [], {}])
def test_an_email_that_is_no_string_is_refused(email: object) -> None:
    with pytest.raises(InvalidValue, match="email must be a string or null"):
        parse_email(email)


@pytest.mark.parametrize("email", ["jane\x00@acme.software", "jane\ud800@acme.software"])
def test_an_email_with_a_control_character_or_a_lone_surrogate_is_refused(email: str) -> None:
    with pytest.raises(InvalidValue, match="email must hold no control character"):
        parse_email(email)


def test_a_refusal_names_the_field_and_never_the_value() -> None:
    with pytest.raises(InvalidValue) as refusal:
        parse_uid("secret-value\x00")

    assert refusal.value.name == "uid"
    assert "secret-value" not in str(refusal.value) + repr(refusal.value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("jane@acme.software", " JANE@Acme.Software\n"),
        ("WEIẞ@acme.software", "weiß@acme.software"),
        ("ÉMILE@acme.software", "émile@acme.software"),
        ("\u00e9mile@acme.software", "e\u0301mile@acme.software"),
        ("E\u0301mile@acme.software", "\u00e9mile@acme.software"),
        ("J\u030c@acme.software", "\u01f0@acme.software"),
        ("\u212a@acme.software", "k@acme.software"),
        ("İ@acme.software", "i@acme.software"),
        ("ΑΣ@acme.software", "ασ@acme.software"),
        ("jane@acme.software\u200b", "\ufeffjane@acme.software"),
    ],
)
def test_emails_are_compared_composed_trimmed_and_in_lower_case(one: str, other: str) -> None:
    assert fold_email(one) == fold_email(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("weiß@acme.software", "weiss@acme.software"),
        ("ﬁ@acme.software", "fi@acme.software"),
        ("ſ@acme.software", "s@acme.software"),
        ("ja\u200bne@acme.software", "jane@acme.software"),
        ("\uff41@acme.software", "a@acme.software"),
    ],
)
def test_letters_that_are_not_the_same_make_other_emails(one: str, other: str) -> None:
    assert fold_email(one) != fold_email(other)


def test_all_white_space_and_format_characters_are_trimmed_and_nothing_else() -> None:
    blanks = "".join(
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if character.isspace() or category(character) == "Cf"
    )

    assert trim(f"{blanks}é{blanks}") == "é"
    assert trim(f"\ufe0f{blanks}é") == f"\ufe0f{blanks}é"


@settings(deadline=None)
@given(email=st.text() | st.text("ßẞİIıΣςé\u0301\u030cJKa \u200b"))
def test_a_part_of_an_email_folds_as_it_does_in_the_whole(email: str) -> None:
    assert fold_email(email) == fold_email_part(trim(email))


@pytest.mark.parametrize("email", ["weiß@x.io", "E\u0301mile@x.io", "\u00c9mile@x.io", "ς@x.io"])
def test_what_an_email_was_compared_by_before_is_known(email: str) -> None:
    for form in (email, normalize("NFC", email), normalize("NFD", email)):
        assert form.strip().casefold() in former_email_folds(email)


@settings(deadline=None)
@given(email=st.text())
def test_folding_an_email_twice_is_folding_it_once(email: str) -> None:
    assert fold_email(fold_email(email)) == fold_email(email)


@settings(deadline=None)
@given(value=st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary())
def test_any_value_is_a_uid_or_refused(value: object) -> None:
    try:
        text = uid_text(parse_uid(value))
    except InvalidValue:
        return
    assert 1 <= len(text.encode()) <= 768


@pytest.mark.parametrize(
    ("n", "spelled"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (10, "10th"),
        (11, "11th"),
        (12, "12th"),
        (13, "13th"),
        (20, "20th"),
        (21, "21st"),
        (22, "22nd"),
        (101, "101st"),
        (111, "111th"),
        (112, "112th"),
        (1013, "1013th"),
        (4430, "4430th"),
    ],
)
def test_ordinals_are_spelled_right(n: int, spelled: str) -> None:
    assert ordinal(n) == spelled


def test_a_batch_item_that_names_nobody_gets_the_sentence_of_the_seed() -> None:
    assert missing_identifier_sentence(4430) == (
        "No identifier found for the 4430th item. Pass your User ID as the `uid` parameter"
        " or the Email address as the `email` parameter"
    )


def test_the_sentence_spells_the_ordinal_right() -> None:
    assert missing_identifier_sentence(1).startswith("No identifier found for the 1st item.")


def test_a_single_write_that_names_nobody_gets_it_without_the_ordinal() -> None:
    assert missing_identifier_sentence(None) == (
        "No identifier found. Pass your User ID as the `uid` parameter"
        " or the Email address as the `email` parameter"
    )
