"""Errors of items are kept and shown in bounded number, those of the lowest indexes."""

import pytest

from api.commands.item_errors import MAX_ERRORS, Failures, ItemErrors, named
from schemas.errors import ItemError


def test_without_an_error_an_answer_says_nothing_of_errors() -> None:
    assert ItemErrors().failures().fields() == {}


def test_errors_are_in_the_order_of_their_index() -> None:
    errors = ItemErrors()
    for index in (3, 1, 2):
        errors.add(422, index, "bad")

    assert errors.failures().fields() == {"errors": [ItemError(422, n, "bad") for n in (1, 2, 3)]}


def test_the_first_are_shown_and_the_others_counted() -> None:
    errors = ItemErrors()
    for start in range(
        0, 3 * MAX_ERRORS, 1000
    ):  # slice by slice: first the items' own, then the others
        for first in (1, 0):
            for index in range(start + first, start + 1000, 2):
                errors.add(422, index, "bad")

    shown, left_out = errors.failures()

    assert [error.index for error in shown] == list(range(MAX_ERRORS))
    assert left_out == 2 * MAX_ERRORS
    assert errors.failures().fields()["errors_left_out"] == left_out
    assert len(errors.kept) < 2 * MAX_ERRORS


def test_as_many_as_fit_leave_none_out() -> None:
    errors = [ItemError(422, n, "bad") for n in range(MAX_ERRORS)]

    assert "errors_left_out" not in Failures.of(errors, MAX_ERRORS).fields()


@pytest.mark.parametrize(
    ("message", "with_ordinal"),
    [
        ("The item must be a JSON object", "The 3rd item must be a JSON object"),
        ("uid must be an integer", "uid must be an integer for the 3rd item"),
        (
            "No identifier found for the 3rd item. Pass",
            "No identifier found for the 3rd item. Pass",
        ),
    ],
)
def test_a_message_has_the_ordinal_of_its_item(message: str, with_ordinal: str) -> None:
    assert named(message, 2) == with_ordinal
