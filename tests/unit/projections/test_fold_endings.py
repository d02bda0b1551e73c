"""How the folds of all types of events end (`projections.fold.ending`)."""

import ast
from pathlib import Path

import projections.fold

FOLDS = Path(projections.fold.__path__[0])


def verdicts_made(source: str) -> list[int]:
    """The lines in which a verdict is made."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Verdict"
    ]


def test_only_an_ending_makes_a_verdict() -> None:
    made = {path.name for path in FOLDS.glob("*.py") if verdicts_made(path.read_text())}

    assert made == {"ending.py"}


def test_a_verdict_made_elsewhere_would_be_seen() -> None:
    assert verdicts_made("x = 1\nreturn_ = verdict.Verdict('done', 1)") == [2]
