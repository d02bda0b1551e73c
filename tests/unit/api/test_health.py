"""What `/ready` says of what is behind (contract §15)."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from api.controllers import health
from streams.lag import Lag

_operations = vars(health)["_operations"]


def node(published: Lag, indexed: Lag) -> Any:
    """A node whose outputs are so far behind; all else is well."""
    purge = SimpleNamespace(overdue=SimpleNamespace(count=0), unpurged=lambda: None)
    return cast(
        "Any",
        SimpleNamespace(
            purge=purge,
            repairs=[],
            partitions=SimpleNamespace(unpublished=published),
            search=SimpleNamespace(lag=indexed, warnings=[]),
        ),
    )


@pytest.mark.parametrize(
    ("published", "indexed", "behind", "warnings"),
    [
        (Lag(0, 0), Lag(0, 0), None, 0),
        (Lag(9, 0.9), Lag(9, 1.0), None, 0),
        (Lag(1200, 2.04), Lag(0, 0), {"published": {"waiting": 1200, "seconds": 2.0}}, 0),
        (Lag(0, 0), Lag(7, 61), {"indexed": {"waiting": 7, "seconds": 61}}, 0),
        (Lag(1200, 60.5), Lag(0, 0), {"published": {"waiting": 1200, "seconds": 60.5}}, 1),
    ],
)
def test_what_is_behind_is_shown_after_a_second_and_warned_of_after_a_minute(
    published: Lag, indexed: Lag, behind: object, warnings: int
) -> None:
    shown = _operations(node(published, indexed))

    assert shown.get("behind") == behind
    found = shown.get("warnings", [])
    assert len(found) == warnings
    assert all("1,200 records wait" in each for each in found)
