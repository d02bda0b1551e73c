"""The errors of a batch, kept for a repeat (contract §14)."""

from hypothesis import given
from hypothesis import strategies as st

from projections.batches import decode_errors, encode_errors
from schemas.errors import ItemError
from schemas.identifiers import missing_identifier_sentence, ordinal

_texts = st.sampled_from(
    ["No such profile for the {} item", "plan: is bad for the {} item", "{} and {}", "1st", "x"]
)


@st.composite
def _errors(draw: st.DrawFn) -> list[ItemError]:
    indexes = sorted(draw(st.sets(st.integers(0, 300_000))))
    return [
        ItemError(
            draw(st.sampled_from([404, 413, 422])),
            index,
            draw(_texts).replace("{}", ordinal(index + 1)),
        )
        for index in indexes
    ]


@given(_errors())
def test_errors_are_read_as_they_were_written(errors: list[ItemError]) -> None:
    assert decode_errors(encode_errors(errors)) == errors


def test_the_errors_of_a_full_batch_fit_an_event() -> None:
    errors = [
        ItemError(422, index, missing_identifier_sentence(index + 1)) for index in range(265_000)
    ]

    encoded = encode_errors(errors)

    assert 0 < len(encoded) < 10_000
    assert decode_errors(encoded) == errors


def test_errors_that_do_not_fit_are_not_kept() -> None:
    errors = [
        ItemError(422, index, f"{index * 0x9E3779B97F4A7C15 % 2**64:x}" * 8)
        for index in range(100_000)
    ]

    assert encode_errors(errors) == b""
