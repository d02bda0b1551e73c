"""Parameters in a query string: `filters[0][op]=eq`, `expand[company]=all`, or JSON (contract §6).

`expand.company=all` is `expand[company]=all`.
"""

import re
from collections.abc import Iterable
from typing import Final, TypeAlias, cast

import msgspec

from schemas.errors import Unprocessable
from schemas.search.grammar import MAX_DEPTH

_Tree: TypeAlias = "dict[str, str | _Tree]"

_BRACKETED: Final = re.compile(r"(filters|expand)((?:\[[^\[\]]*\])+)")
_MAX_PARTS: Final = 2 * MAX_DEPTH  # an index and a name for each level of filters
_AS_JSON: Final = {"filters": "array", "expand": "object"}
_HOW_TO: Final = {"filters": "filters[0][op]=eq", "expand": "expand[company]=all"}


def from_query(pairs: Iterable[tuple[str, str]]) -> dict[str, object]:
    """The parameters that the pairs of a query string spell, as a JSON body would hold them.

    Raises `Unprocessable` for brackets that spell nothing: twice the same place, places that are skipped, JSON and
    brackets at once. Of a plain parameter that is repeated, the last counts.
    """
    parameters: dict[str, object] = {}
    trees: dict[str, _Tree] = {}
    for name, value in pairs:
        if name.startswith("expand."):
            name = f"expand[{name.removeprefix('expand.')}]"
        if (found := _BRACKETED.fullmatch(name)) is not None:
            root, parts = found.groups()
            _plant(trees.setdefault(root, {}), parts[1:-1].split("]["), value, root)
        elif name.startswith(("filters[", "expand[")):
            root = name.partition("[")[0]
            raise Unprocessable(f"{root}: close each bracket, as in {_HOW_TO[root]}")
        else:
            kind = _AS_JSON.get(name)
            parameters[name] = value if kind is None else _decode(name, value, kind)
    for root, tree in trees.items():
        if root in parameters:
            raise Unprocessable(f"{root}: send it once, as JSON or with brackets")
        parameters[root] = _grown(tree, root)
    return parameters


def _decode(name: str, text: str, kind: str) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Unprocessable(
            f"{name}: send a JSON {kind}, or brackets as in {_HOW_TO[name]}"
        ) from None


def _plant(tree: _Tree, parts: list[str], value: str, root: str) -> None:
    if len(parts) > _MAX_PARTS:
        raise Unprocessable(f"{root}: send groups at most {MAX_DEPTH} levels deep")
    *branches, leaf = parts
    for branch in branches:
        below = tree.setdefault(branch, {})
        if isinstance(below, str):
            raise Unprocessable(f"{root}: send each place once")
        tree = below
    if leaf in tree:
        raise Unprocessable(f"{root}: send each place once")
    tree[leaf] = value


def _grown(tree: _Tree, root: str) -> object:
    """Objects, and arrays where names are indexes. No deeper than `_MAX_PARTS`."""
    grown = {
        name: below if isinstance(below, str) else _grown(below, root)
        for name, below in tree.items()
    }
    if not all(name.isdecimal() and name.isascii() for name in grown):
        return grown
    indexes = [str(index) for index in range(len(grown))]
    if set(indexes) != set(grown):
        raise Unprocessable(f"{root}: number the places 0, 1, 2 and so on, as in {_HOW_TO[root]}")
    return [cast("object", grown[index]) for index in indexes]
