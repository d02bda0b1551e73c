"""A profile's past, from its history rows: every version that there ever was, and what each record changed."""

import json
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.as_of import Past
from projections.fold import profile_upserted
from projections.history import EVENT_TYPES, PASSED_OVER, Entry, HistoryType, undo
from projections.profile import Document, StoredProfile
from projections.profiles import ProfileState
from schemas.events import (
    CompanyGone,
    CompanyLeft,
    EmailReleased,
    ProfileCleared,
    ProfileEvent,
    ProfileForgotten,
)
from schemas.identifiers import uid_text
from tests.support.folding import ACCOUNT, AT, Profiles, tracked, upserted, user

COMPANIES: Final = ("c" * 24, "d" * 24)
WHOLE: Final = 1 << 40
GIVEN: Final = {"id", "uid", "created_at", "updated_at", "percent"}


# ---------------------------------------------------------------------- the model

Operation = tuple[str, Any]

_values = st.sampled_from([1, 1.0, True, "1", "x", None, [1], [True], {"a": 1.5, "b": None}, {}])
_names: Final[list[str]] = ["plan", "role", "browser_x", "last_seen_at"]
_written = st.dictionaries(st.sampled_from(_names), _values, max_size=3)


@st.composite
def _upserts(draw: st.DrawFn) -> Operation:
    fields: dict[str, Any] = dict(draw(_written))
    if draw(st.booleans()):
        fields["email"] = draw(st.sampled_from(["a@x.example", "A@x.example", "b@x.example", None]))
    if draw(st.booleans()):
        fields["company_id"] = draw(st.sampled_from([*COMPANIES, None]))
    unset = draw(st.sets(st.sampled_from([*_names, "email"])))
    fields["unset"] = sorted(unset - fields.keys())
    fields["idempotency"] = draw(st.sampled_from([None, None, "1" * 32, "2" * 32]))
    return "upsert", fields


@st.composite
def _tracked(draw: st.DrawFn) -> Operation:
    return "track", {"plan": draw(_values), "idempotency": draw(st.none() | st.just("1" * 32))}


_operations: st.SearchStrategy[Operation] = st.one_of(
    _upserts(),
    _upserts(),
    _upserts(),
    _tracked(),
    st.sampled_from(
        [
            ("clear", None),
            ("release", True),
            ("release", False),
            ("left", COMPANIES[0]),
            ("gone", COMPANIES[1]),
            ("forget", None),
        ]
    ),
)
# Two nodes append at once, so a time may be a little before that of the event before it.
_steps = st.sampled_from([0, 1, 1, 2, 1000, -1])
_lives = st.lists(
    st.tuples(_operations, st.sampled_from([7, "7", "ada"]), _steps), min_size=1, max_size=25
)


class Version(NamedTuple):
    """The profile behind an event; the event's time in unix milliseconds."""

    at: int
    document: Document


class Model:
    """Folds events one by one and keeps every version of every profile that is still there."""

    def __init__(self) -> None:
        self.profiles = Profiles()
        self.versions: dict[str, list[Version]] = {}
        self._ids: dict[str, str] = {}
        self._at = AT

    def live(self, life: list[tuple[Operation, int | str, int]]) -> None:
        for operation, uid, step in life:
            self._at += step
            event = self._event(*operation, uid)
            if event is not None:
                self._put(event, uid_text(uid))

    def _put(self, event: ProfileEvent, uid: str) -> None:
        before = {id_: self.profiles.history(id_) for id_ in self.versions}
        id_ = self.profiles.put(event).id
        if isinstance(event, ProfileForgotten):
            del self.versions[event.id], self._ids[uid]
        elif id_ is not None and self.profiles.history(id_) != before.get(id_, []):
            self._ids[uid] = id_
            self.versions.setdefault(id_, []).append(Version(self._at, self.profiles.document(id_)))

    def _event(self, what: str, said: Any, uid: int | str) -> ProfileEvent | None:
        at, id_ = self._at, self._ids.get(uid_text(uid))
        match what:
            case "upsert":
                return upserted(uid, at, **said)
            case "track":
                return tracked("signed_up", uid, at, **said)
            case "gone":
                return CompanyGone(account=ACCOUNT, at=at, company=said)
            case _ if id_ is None:
                return None
            case "clear":
                return ProfileCleared(account=ACCOUNT, at=at, id=id_)
            case "release":
                claim = (self.profiles.claim(id_) if said else None) or b"0" * 32
                return EmailReleased(
                    account=ACCOUNT, at=at, id=id_, claim=claim.decode(), by="f" * 32
                )
            case "left":
                return CompanyLeft(account=ACCOUNT, at=at, id=id_, company=said)
            case _:
                return ProfileForgotten(
                    account=ACCOUNT, at=at, id=id_, user=user(uid).hex(), deletion="e" * 24
                )


def as_of(versions: list[Version], moment: int) -> Document | None:
    """The version before the first event that is later than the moment; None before there was one."""
    document = None
    for version in versions:
        if version.at > moment:
            break
        document = version.document
    return document


def difference(before: Document, after: Document) -> dict[str, list[Any]]:
    """By name, the values before and after of what is not the same JSON, None for what was not there."""
    return {
        name: [before.get(name), after.get(name)]
        for name in {*before, *after} - {"updated_at"}
        if spelled(before.get(name, ...)) != spelled(after.get(name, ...))
    }


def spelled(value: Any) -> str:
    """JSON tells 1, 1.0 and true apart, which Python calls equal."""
    return json.dumps(value, sort_keys=True, default=repr)


# ---------------------------------------------------------------------- what there is


def stored(state: ProfileState, id_: str) -> StoredProfile:
    found = state.read_by_id(id_, ACCOUNT)
    assert found is not None
    return found


def entries(state: ProfileState, id_: str) -> list[Entry]:
    """The whole history, the oldest first."""
    return state.history(stored(state, id_), 0, WHOLE, 1000)


def past(state: ProfileState, id_: str, moment: int) -> StoredProfile | None:
    then = Past(stored(state, id_), moment)
    then.read(entries(state, id_))
    return then.profile()


def undone(state: ProfileState, id_: str) -> list[tuple[Entry, dict[str, list[Any]]]]:
    """Each event with what it changed, the newest first."""
    profile = stored(state, id_)
    document = profile.document()
    return [
        (entry, undo(entry, document, profile.header.created))
        for entry in reversed(entries(state, id_))
    ]


@settings(deadline=None)
@given(_lives)
def test_a_profile_of_any_moment_is_what_it_was(life: list[Any]) -> None:
    model = Model()
    model.live(life)
    state = model.profiles.state

    for id_, versions in model.versions.items():
        for moment in {AT - 9, WHOLE, *(v.at + step for v in versions for step in (-1, 0, 1))}:
            expected, found = as_of(versions, moment), past(state, id_, moment)
            assert spelled(None if found is None else found.document()) == spelled(expected)
            if found is not None:
                assert found.header.company == found.document().get("company_id")


@settings(deadline=None)
@given(_lives)
def test_an_event_changed_what_differs_between_the_versions_around_it(life: list[Any]) -> None:
    model = Model()
    model.live(life)

    for id_, versions in model.versions.items():
        documents: list[Document] = [{}, *(version.document for version in versions)]
        told = undone(model.profiles.state, id_)[::-1]
        assert len(told) == len(versions)
        for number, (entry, changes) in enumerate(told):
            before, after = documents[number : number + 2]
            expected = difference(before, after)
            if number == 0:
                expected = {name: pair for name, pair in expected.items() if name not in GIVEN}
            if entry.type == HistoryType.CLEARED:
                expected = {name: pair for name, pair in expected.items() if pair != [None, None]}
                # Told as changed in any case: two clears of one millisecond are two.
                for name in ("percent", "last_cleared_at"):
                    expected[name] = [before.get(name), after[name]]
            assert spelled(changes) == spelled(expected)


@settings(deadline=None)
@given(_lives, st.integers(0, 25))
def test_all_behind_an_offset_can_be_undone_at_once(life: list[Any], place: int) -> None:
    """What a page in the middle begins with."""
    model = Model()
    model.live(life)
    state = model.profiles.state

    for id_, versions in model.versions.items():
        history = entries(state, id_)
        number = min(place, len(history) - 1)
        then = Past(stored(state, id_), -1)
        then.read(state.history(stored(state, id_), history[number].offset, WHOLE, 1000))
        assert then.cut == history[number].offset
        if number:
            expected = {**versions[number - 1].document, "updated_at": None}
            assert spelled({**then.document(), "updated_at": None}) == spelled(expected)


# ---------------------------------------------------------------------- rows


def types(profiles: Profiles, id_: str) -> list[tuple[str, str | None]]:
    """(type, why it was passed over) of each event, the oldest first."""
    return [
        (EVENT_TYPES[entry.type], PASSED_OVER.get(entry.type))
        for entry in entries(profiles.state, id_)
    ]


def test_a_record_that_is_passed_over_is_told_and_changes_nothing(
    profiles: Profiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = profiles.create("ada", plan="gold", idempotency="1" * 32)
    profiles.put(upserted("ada", plan="gold", idempotency="1" * 32))
    profiles.put(tracked("a", idempotency="2" * 32))
    profiles.put(tracked("a", idempotency="2" * 32))
    monkeypatch.setattr(profile_upserted, "MAX_DOCUMENT_BYTES", 200)
    profiles.put(upserted("ada", plan="x" * 300))

    assert types(profiles, id_) == [
        ("profile-upserted", None),
        ("profile-upserted", "duplicate"),
        ("event-tracked", None),
        ("event-tracked", "duplicate"),
        ("profile-upserted", "too_large"),
    ]
    assert [changes for _, changes in undone(profiles.state, id_)] == [
        {}, {}, {}, {}, {"plan": [None, "gold"]},
    ]  # fmt: skip


def test_every_type_of_row_has_the_type_of_its_event() -> None:
    kinds = {kind for name, kind in vars(HistoryType).items() if not name.startswith("_")}

    assert kinds == EVENT_TYPES.keys()
    assert PASSED_OVER.keys() < kinds


def test_a_row_of_what_changed_nothing_keeps_no_values(profiles: Profiles) -> None:
    id_ = profiles.create("ada", plan="gold")
    profiles.put(upserted("ada", plan="gold"))
    profiles.put(tracked("a", plan="free"))
    profiles.put(EmailReleased(account=ACCOUNT, at=AT, id=id_, claim="0" * 32, by="f" * 32))

    assert [entry.json for entry in entries(profiles.state, id_)] == [b""] * 4


def test_a_history_is_given_in_portions_from_either_end(profiles: Profiles) -> None:
    id_ = profiles.create("ada")
    for _ in range(6):
        profiles.put(upserted("ada"))
        profiles.put(upserted("bob"))
    state, profile = profiles.state, stored(profiles.state, id_)

    def offsets(*bounds: int, newest_first: bool = False) -> list[int]:
        found = state.history(profile, *bounds, newest_first=newest_first)
        return [entry.offset for entry in found]

    assert offsets(0, WHOLE, 3) == [0, 1, 3]
    assert offsets(0, WHOLE, 1) == offsets(0, 1, 3) == [0]
    assert offsets(1, WHOLE, 2) == [1, 3]
    assert offsets(0, WHOLE, 9) == [0, 1, 3, 5, 7, 9, 11]
    assert offsets(0, WHOLE, 9, newest_first=True) == [11, 9, 7, 5, 3, 1, 0]
    assert offsets(0, 5, 2, newest_first=True) == [3, 1]
    assert offsets(0, 1, 2, newest_first=True) == [0]
    assert offsets(1, 3, 9, newest_first=True) == [1]
    assert offsets(4, WHOLE, 3) == [5, 7, 9]
    assert offsets(0, WHOLE, 3, newest_first=True) == [11, 9, 7]
    assert offsets(3, 7, 9, newest_first=True) == [5, 3]
    assert offsets(12, WHOLE, 3) == offsets(0, 0, 3, newest_first=True) == []


def test_a_portion_of_a_history_ends_behind_a_large_row(profiles: Profiles) -> None:
    id_ = profiles.create("ada", plan="a" * 300_000)
    for letter in "bcd":
        profiles.put(upserted("ada", plan=letter * 300_000))

    def offsets(start: int) -> list[int]:
        found = profiles.state.history(stored(profiles.state, id_), start, WHOLE, 9)
        return [entry.offset for entry in found]

    assert offsets(0) == [0, 1]
    assert offsets(2) == [2]
