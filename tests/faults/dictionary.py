"""A dict that says what every read must answer, and the rules that hold a store of profiles against it.

Hypothesis puts the rules in any order: upsert, update, an email that moves, clear, forget, purge, restart, rebuild.
The dict knows nothing of events, logs or claims, only the contract (§3, §5, §7, §8).
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Protocol

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from projections.profile import CLEARED
from schemas.identifiers import fold_email
from tests.support.service import marked

UNSET: Final = "$unset"
_PEOPLE: Final = 3
_MAILBOXES: Final = 2
_ALWAYS: Final = 1 << 30
# Times are the store's own, and no rule tells them.
_TIMES: Final = frozenset(("created_at", "updated_at", "last_cleared_at"))

Document = dict[str, Any]


class Store(Protocol):
    """A store of profiles. `who` is `uid`, `id` or `email` and its value; `mailboxes` are two emails to use."""

    @property
    def mailboxes(self) -> Sequence[str]: ...

    def upsert(self, who: Mapping[str, str], properties: Mapping[str, object]) -> bool:
        """False when it is nobody's."""
        ...

    def clear(self, uid: str) -> bool: ...

    def forget(self, uid: str) -> bool: ...

    def read(self, who: Mapping[str, str]) -> bytes | None:
        """The answer's bytes; None when there is no such profile."""
        ...

    def purge(self) -> None:
        """Return when all that was forgotten is purged."""
        ...

    def restart(self, *, kill: bool) -> None: ...

    def rebuild(self) -> None:
        """Lose all state, and fold the log again."""
        ...

    def finish(self) -> None:
        """Look at what has to hold at the end."""
        ...


_person: Final = st.integers(0, _PEOPLE - 1)
_email: Final = st.integers(0, 2 * _MAILBOXES - 1)
_changes: Final = st.fixed_dictionaries(
    {},
    optional={
        "plan": st.sampled_from(["gold", "free", None, UNSET]),
        "seats": st.sampled_from([1, 2.5, True, UNSET]),
        "deep": st.sampled_from([{"a": {"b": [1, "x"]}}, [1, "two"], UNSET]),
        "browser_x": st.integers(1, 9),
    },
)


class AgainstDict(RuleBasedStateMachine):
    """The rules. `at_most` says how often in an example what is slow may happen."""

    at_most: ClassVar[Mapping[str, int]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.store: Store = self.new_store()
        self.uids = [marked("uid") for _ in range(_PEOPLE)]
        # Two spellings of each are one email.
        self.emails: list[str] = [*self.store.mailboxes, *map(str.upper, self.store.mailboxes)]
        self.people: dict[str, Document] = {}
        self.spent: set[str] = set()
        self.done: Counter[str] = Counter()

    def new_store(self) -> Store:
        """An empty store, or one in which nobody has these uids and emails."""
        raise NotImplementedError

    # ------------------------------------------------------------------ writes

    @rule(n=_person, changes=_changes)
    def upsert(self, n: int, changes: Document) -> None:
        uid = self.uids[n]
        assert self.store.upsert({"uid": uid}, changes)
        self._merge(uid, changes)

    @rule(n=_person, changes=_changes, email=st.none() | _email)
    def update_by_id(self, n: int, changes: Document, email: int | None) -> None:
        uid = self.uids[n]
        if uid in self.people:
            more = {} if email is None else {"email": self.emails[email]}
            assert self.store.upsert({"id": self.people[uid]["id"]}, changes | more)
            self._merge(uid, changes | more)

    @rule(email=_email, changes=_changes)
    def update_by_email(self, email: int, changes: Document) -> None:
        holder = self._holder(self.emails[email])
        assert self.store.upsert({"email": self.emails[email]}, changes) == (holder is not None)
        if holder is not None:
            self._merge(holder, changes)

    @rule(n=_person, email=_email)
    def move_email(self, n: int, email: int) -> None:
        self.upsert(n, {"email": self.emails[email]})

    @rule(n=_person, none=st.sampled_from([None, UNSET]))
    def give_email_up(self, n: int, none: str | None) -> None:
        self.upsert(n, {"email": none})

    @rule(n=_person)
    def clear(self, n: int) -> None:
        uid = self.uids[n]
        assert self.store.clear(uid) == (uid in self.people)
        if uid in self.people:
            self.people[uid].update(dict.fromkeys(CLEARED), percent=self._read(uid=uid)["percent"])

    @rule(n=_person)
    def forget(self, n: int) -> None:
        uid = self.uids[n]
        assert self.store.forget(uid) == (uid in self.people)
        if uid in self.people:
            self.spent.add(self.people.pop(uid)["id"])

    # ------------------------------------------------------------------ the machine room

    @precondition(lambda self: self.may("purge"))
    @rule()
    def purge(self) -> None:
        self.done["purge"] += 1
        self.store.purge()

    @precondition(lambda self: self.may("restart"))
    @rule(kill=st.booleans())
    def restart(self, kill: bool) -> None:
        self.done["restart"] += 1
        self.store.restart(kill=kill)

    @precondition(lambda self: self.may("rebuild"))
    @rule()
    def rebuild(self) -> None:
        self.done["rebuild"] += 1
        before = self._answers()
        self.store.rebuild()
        assert self._answers() == before

    def may(self, what: str) -> bool:
        return self.done[what] < self.at_most.get(what, _ALWAYS)

    # ------------------------------------------------------------------ what holds

    @invariant()
    def every_read_answers_what_the_dict_says(self) -> None:
        for uid in self.uids:
            answer = self.store.read({"uid": uid})
            assert (answer is None) == (uid not in self.people)
            if answer is not None:
                found = json.loads(answer)["profile"]
                assert _without_times(found) == self.people[uid]
                assert self.store.read({"id": found["id"]}) == answer
        for email in self.emails:
            holder = self._holder(email)
            found = None if holder is None else self.store.read({"uid": holder})
            assert self.store.read({"email": email}) == found
        for id_ in self.spent:
            assert self.store.read({"id": id_}) is None

    def teardown(self) -> None:
        self.store.finish()

    # ------------------------------------------------------------------ the dict

    def _merge(self, uid: str, changes: Document) -> None:
        email = changes.get("email", UNSET)
        if email not in (None, UNSET):
            holder = self._holder(email)
            if holder not in (None, uid):
                self.people[holder]["email"] = None
        if uid not in self.people:
            found = self._read(uid=uid)
            assert found["id"] not in self.spent
            self.people[uid] = {name: found[name] for name in ("id", "uid", "percent")}
            assert found["uid"] == uid
        for name, value in changes.items():
            if value == UNSET:
                self.people[uid].pop(name, None)
            else:
                self.people[uid][name] = value

    def _holder(self, email: str) -> str | None:
        """The uid of who has the email."""
        for uid, document in self.people.items():
            held = document.get("email")
            if held is not None and fold_email(held) == fold_email(email):
                return uid
        return None

    def _read(self, **who: str) -> Document:
        answer = self.store.read(who)
        assert answer is not None
        return json.loads(answer)["profile"]

    def _answers(self) -> list[bytes | None]:
        return [
            *(self.store.read({"uid": uid}) for uid in self.uids),
            *(self.store.read({"email": email}) for email in self.emails),
        ]


def _without_times(document: Document) -> Document:
    return {name: value for name, value in document.items() if name not in _TIMES}
