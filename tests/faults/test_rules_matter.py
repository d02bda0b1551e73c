"""The tests of the protocol can fail: without any one of its rules some schedule breaks a promise."""

from functools import partial

import pytest

from tests.faults.rules import RULES, Rule
from tests.faults.schedules import play, run, schedule
from tests.faults.witness import Violation


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_without_the_rule_a_promise_is_broken(rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    rule.leave_out(monkeypatch)

    broken = _first_violation(rule)

    assert broken is not None
    assert broken.__cause__ is None, "the code crashed, which says nothing of the rule"


def _first_violation(rule: Rule) -> Violation | None:
    outcomes = (
        (run(schedule(seed)) for seed in range(rule.schedules))
        if rule.story is None
        else (
            play(partial(rule.story, cut=cut), together=rule.together) for cut in range(rule.cuts)
        )
    )
    return next((violation for violation in outcomes if violation is not None), None)
