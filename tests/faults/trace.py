"""What happened, line by line, for who reads why a schedule failed."""

from collections import Counter
from typing import Final

import msgspec

from schemas.events import ProfileEvent, decode_profile_event
from schemas.identity import claim_made_by, claim_name
from tests.faults.cast import TOPICS
from tests.faults.clients import Clients
from tests.support.memory_log import Entry, MemoryLog

_UNTOLD: Final = frozenset(("account", "at", "operation"))


class Trace:
    """Tells into `lines`, or to nobody."""

    def __init__(self, lines: list[str] | None) -> None:
        self._lines = lines
        self._told: Counter[tuple[str, int]] = Counter()

    @property
    def on(self) -> bool:
        return self._lines is not None

    def say(self, text: str, *facts: object) -> None:
        """A line, in `str.format`'s way."""
        if self._lines is not None:
            self._lines.append(text.format(*map(_short, facts)))

    def tell_appended(self, log: MemoryLog, clients: Clients) -> None:
        """What was appended since, but for the clients' writes, which tell of themselves."""
        if self._lines is None:
            return
        names = {write.key: f"write {write.number}" for write in clients.writes if write.key}
        names |= {claim_made_by(key): f"claim of {name}" for key, name in names.items()}
        for place, partition in log.partitions():
            for entry in partition.history[self._told[place] :]:
                if entry.record.key not in clients.by_key or entry.record.value is None:
                    self._lines.append(f"    {place[0]}-{place[1]} {_told(place[0], entry, names)}")
            self._told[place] = len(partition.history)


def _told(topic: str, entry: Entry, names: dict[bytes, str]) -> str:
    offset, key, value = entry.record
    # The keys of events that a relay makes are drawn at random: they, and what quotes them, say nothing.
    name = names.get(claim_name(key)) or (
        "an event" if topic == TOPICS.events else claim_name(key).decode()
    )
    state = "" if entry.transaction is None else f" ({entry.transaction.state})"
    if value is None:
        what = "null"
    elif topic == TOPICS.events:
        what = str(_short(decode_profile_event(value)))
    elif topic == TOPICS.profiles:
        what = str(msgspec.json.decode(value)["profile"])
    else:
        what = value.decode()
    return f"{offset} {name}: {what}{state}"


def _short(fact: object) -> object:
    if not isinstance(fact, ProfileEvent):
        return fact
    fields = msgspec.to_builtins(fact)
    return {name: value for name, value in fields.items() if name not in _UNTOLD and value}
