"""What CONTRIBUTING.md says of sizes: a file that grows beyond them has two subjects."""

import ast
import subprocess
from pathlib import Path

from tests.support.service import REPOSITORY

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60


def sources() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "*.py"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return [REPOSITORY / name for name in listed.stdout.splitlines()]


def test_no_file_is_too_long() -> None:
    lines = {path.name: len(path.read_text().splitlines()) for path in sources()}

    assert lines
    assert {name: count for name, count in lines.items() if count >= MAX_FILE_LINES} == {}


def test_no_function_is_too_long() -> None:
    long = [
        f"{path.name}:{node.name}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= MAX_FUNCTION_LINES
    ]

    assert long == []
