"""Companies as they are stored."""

from typing import Any

from schemas.normalization import normalize
from tests.support.search_inputs import NOW

ACME, AJAX, APEX = ("a" * 24, "b" * 24, "c" * 24)


def stored(sent: dict[str, Any]) -> dict[str, Any]:
    """A company's document, of what was sent."""
    properties = {name: sent[name] for name in sent if name not in ("id", "uid")}
    return {"id": sent["id"], "uid": sent["uid"], **normalize(properties, NOW).properties}
