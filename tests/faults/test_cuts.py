"""A cut at each await of what must not be cut in two: everything is carried to its end afterwards."""

from functools import partial

import pytest

from tests.faults import claim_stories, stories
from tests.faults.schedules import play

_TOGETHER = (stories.claim_meets_a_restart, claim_stories.claim_is_repeated_before_its_release)


@pytest.mark.parametrize(
    ("story", "cuts"),
    [
        (stories.forget_is_cut, 40),
        (stories.email_moves_and_is_cut, 150),
        (stories.source_is_taken_over, 200),
        (stories.record_comes_late, 10),
        (stories.writes_race_with_forgets, 120),
        (stories.who_lost_an_email_is_forgotten, 60),
        (stories.forget_comes_while_a_node_replays, 90),
        (stories.claim_meets_a_restart, 120),
        (stories.request_is_lost, 4),
        (claim_stories.former_owner_wakes, 2),
        (claim_stories.former_index_wakes, 2),
        (claim_stories.index_is_lost_behind_a_repeat, 100),
        (claim_stories.index_is_taken_over_among_its_tombstones, 30),
        (claim_stories.claim_is_repeated_before_its_release, 10),
    ],
)
def test_whatever_is_cut_is_carried_to_its_end(story: stories.Story, cuts: int) -> None:
    for cut in range(cuts):
        trace: list[str] = []

        violation = play(partial(story, cut=cut), trace, together=story in _TOGETHER)

        assert violation is None, "\n".join([f"cut {cut}", *trace])
