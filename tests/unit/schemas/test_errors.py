"""The tree in the docstring of `schemas.errors` is the tree of all errors."""

import ast
import builtins
import re
from pathlib import Path

import schemas.errors

ROOT = Path(schemas.errors.__file__).parents[1]
LAYERS = ("api", "streams", "projections", "schemas")


def drawn() -> dict[str, str]:
    """Parent by name, as the docstring draws them."""
    parents: dict[str, str] = {}
    above: list[str] = []
    tree = (schemas.errors.__doc__ or "").partition("::")[2]
    for indent, name in re.findall(r"^    ((?:[│├└─ ]{4})*)(\w+)(?:  .*)?$", tree, re.MULTILINE):
        depth = len(indent) // 4
        if depth:
            parents[name] = above[depth - 1]
        above[depth:] = [name]
    return parents


def defined() -> dict[str, str]:
    """Parent by name, of each class of the layers that is an exception."""
    bases = {
        node.name: [base.id for base in node.bases if isinstance(base, ast.Name)]
        for layer in LAYERS
        for path in (ROOT / layer).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    }

    def is_error(name: str) -> bool:
        known = getattr(builtins, name, None)
        if isinstance(known, type):
            return issubclass(known, BaseException)
        return any(map(is_error, bases.get(name, ())))

    return {
        name: parents[0]
        for name, parents in bases.items()
        if parents and any(map(is_error, parents))
    }


def test_every_error_of_the_service_is_drawn_where_it_belongs() -> None:
    assert defined() == {"ProfilelogError": "Exception", **drawn()}
