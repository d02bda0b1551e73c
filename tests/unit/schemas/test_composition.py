"""NFC in linear time (`schemas.composition`)."""

import re
import sys
from unicodedata import combining, normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.composition import MAX_MARKS, combining_marks, compose

# Of several classes, some composing with the letter, some decomposing, some without a class of their own.
MARKS = "\u0301\u0316\u0323\u0308\u0344\u0345\u0338\u0f71\u0f73\u0f75\u0f81\u3099"
TEXTS = st.lists(
    st.sampled_from(["a", "é", "ᾂ", "가", "\u1100\u1161", "=", " ", "🚧", "\u0f40"])
    | st.text(MARKS, max_size=80)
).map("".join)


@settings(deadline=None, max_examples=200)
@given(text=TEXTS | st.text())
def test_it_is_nfc_whatever_the_order_of_the_marks(text: str) -> None:
    assert compose(text) == normalize("NFC", text)


def test_of_more_marks_than_are_ever_kept_each_class_keeps_its_first_ones() -> None:
    marks = "\u0301\u0316" * (MAX_MARKS + 1)

    assert compose("a" + marks) == normalize("NFC", "a" + "\u0301\u0316" * MAX_MARKS)


def test_a_mark_that_composes_is_not_lost_behind_many_that_do_not() -> None:
    assert compose("a" + "\u0316" * 5000 + "\u0301")[0] == "á"


@pytest.mark.parametrize("marks", ["\u0301\u0316", "\u0f73", "\u0344\u0316", MARKS])
def test_half_a_million_marks_are_few_moves(marks: str) -> None:
    text = "a" + marks * (500_000 // len(marks))

    composed = compose(text)

    assert len(composed) <= 2 * MAX_MARKS * (len(marks) + 1)
    classes = [combining(character) for character in composed]
    assert classes == sorted(classes)


def test_every_mark_of_this_python_is_known() -> None:
    known = re.compile(f"[{combining_marks()}]")
    characters = [chr(code) for code in range(sys.maxunicode + 1)]

    marks = {c for c in characters if combining(c)}
    hidden = {c for c in characters if not combining(c) and combining(normalize("NFD", c)[0])}

    assert set(known.findall("".join(characters))) == marks
    assert hidden == {"\u0f73", "\u0f75", "\u0f81"}
