"""What a company's document meets (contract §6)."""

import pytest

from projections.search.matching import holds
from schemas.search.conditions import Compares, Comparison, Contains, OneOf, OnProperty

SPELLS_A_TIME = "2029-04-07T12:18:00.000Z"


@pytest.mark.parametrize(
    "condition",
    [
        Compares(("uid",), Comparison.GREATER, "18821"),
        Contains(("uid",), "04-07", ignore_case=False),
        OneOf(("uid",), (SPELLS_A_TIME,)),
    ],
)
def test_a_uid_is_a_text_whatever_it_spells(condition: OnProperty) -> None:
    assert holds(condition, {"id": "0" * 24, "uid": SPELLS_A_TIME})
