"""The parameters of a request: what its query and its JSON body say together (contract §6). Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from schemas.errors import Unprocessable
from schemas.search.brackets import from_query

PAGE: Final = ("limit", "before", "after")
FILTERS: Final = ("filters", "filters_op")
SEARCH: Final = (*FILTERS, *PAGE, "expand")
"""The parameters of a search, and of a count, which ignores `limit` and `expand`."""

_SECRET: Final = "account_secret"  # noqa: S105 - a name, no secret
# Clients send these empty for what they leave out.
_UNSENT_WHEN_BLANK: Final = frozenset({*PAGE, "id"})
_BLANK: Final = (None, "")
_DOTTED_EXPAND: Final = "expand."
_LONE_FILTER: Final = frozenset({"kind", "prop", "op", "value"})
_MAX_MESSAGES: Final = 10
_SHOWN: Final = 40  # characters of an unknown name


def joined(pairs: Iterable[tuple[str, str]], body: Mapping[str, object]) -> dict[str, object]:
    """The parameters that the pairs of a query string and a JSON body spell, without the secret.

    `limit`, `before`, `after` and `id` that are null or "" count as not sent. Raises `Unprocessable` like
    `from_query`, and for a name that is sent twice: which one is meant, nobody knows.
    """
    pairs = [pair for pair in pairs if _is_sent(*pair)]
    if len(pairs) > 1:
        _check_repeats([name for name, _ in pairs])
    parameters = from_query(pairs)
    parameters.pop(_SECRET, None)
    if not body:
        return parameters
    for name, value in _undotted(body).items():
        if not _is_sent(name, value):
            continue
        if name in parameters:
            raise Unprocessable(f"{_shown(name)}: send it once, in the query or in the body")
        if name != _SECRET:
            parameters[name] = value
    return parameters


def _is_sent(name: str, value: object) -> bool:
    return name not in _UNSENT_WHEN_BLANK or value not in _BLANK


def check_names(parameters: Mapping[str, object], known: Sequence[str]) -> None:
    """Raises `Unprocessable` that names each parameter that is not `known`, and the one that may be meant."""
    unknown = [name for name in parameters if name not in known]
    if unknown:
        raise Unprocessable(*(_message(name, known) for name in unknown[:_MAX_MESSAGES]))


def _check_repeats(names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen and name != _SECRET:
            raise Unprocessable(f"{_shown(name)}: send it once")
        seen.add(name)


def _undotted(body: Mapping[str, object]) -> Mapping[str, object]:
    """`expand.company` of a body as `expand` says it."""
    dotted = {
        name.removeprefix(_DOTTED_EXPAND): value
        for name, value in body.items()
        if name.startswith(_DOTTED_EXPAND)
    }
    if not dotted:
        return body
    if "expand" in body:
        raise Unprocessable("expand: send it once, as an object or with dots")
    others = {name: value for name, value in body.items() if not name.startswith(_DOTTED_EXPAND)}
    return {**others, "expand": dotted}


def _message(name: str, known: Sequence[str]) -> str:
    root = re.split(r"[.\[]", name[:_SHOWN], maxsplit=1)[0]
    if root in known:
        meant = f"send {root} as JSON" + (
            " or with brackets, as in filters[0][op]=eq" if root == "filters" else ""
        )
    elif near := get_close_matches(root.lower(), known, 1):
        meant = f"did you mean {near[0]}?"
    elif name in _LONE_FILTER and "filters" in known:
        meant = "send filters, an array of filters"
    else:
        meant = f"send {', '.join(known)}"
    return f"{_shown(name)}: no such parameter here; {meant}"


def _shown(name: str) -> str:
    return "".join(
        each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in name[:_SHOWN]
    )
