"""What `profilelog verify` finds of a person in the rows of the state."""

from collections.abc import Iterable
from typing import Any, Final

import pytest

from projections import keyspace
from projections.auditing.evidence import Evidence, Mark
from projections.auditing.person import Person
from projections.fold.verdict import Verdict
from schemas.events import (
    EmailClaimed,
    ProfileEvent,
    encode,
)
from tests.support.folding import ACCOUNT, AT, IDENTITY, Emails, Profiles, key, rows, upserted, user
from tests.support.persons import COMPANY, DELETION, STRANGER, forgotten, id_of, mark, person


class Folded:
    """A log of one partition, folded, with the rows of both its states."""

    def __init__(self) -> None:
        self.profiles, self.emails = Profiles(), Emails()
        self.log: list[tuple[bytes, int, bytes]] = []

    def put(self, event: ProfileEvent) -> Verdict:
        offset = self.profiles.state.applied + 1
        self.log.append((key(offset), offset, encode(event)))
        return self.profiles.put(event)

    def claim(self, email: str, id_: str | None, number: int) -> None:
        digest = IDENTITY.email_hash(ACCOUNT, email)
        assert id_ is not None
        self.emails.put(key(number), encode(EmailClaimed(ACCOUNT, AT, digest.hex(), id_)))

    def marks(self, about: Person) -> dict[str, set[Mark]]:
        """By kind of row, how the rows of both states count."""
        for key_, value in rows(self.profiles.state).items():
            about.learn_row(0, key_, value)
        return _by_prefix(about, [rows(self.profiles.state), rows(self.emails.state)])


def _by_prefix(about: Person, states: Iterable[dict[bytes, bytes]]) -> dict[str, set[Mark]]:
    evidence, found = Evidence(about), dict[str, set[Mark]]()
    for state in states:
        for key_, value in state.items():
            if (trace := evidence.row(key_, value)) is not None:
                found.setdefault(chr(key_[0]), set()).add(trace.mark)
    return found


@pytest.fixture
def folded() -> Folded:
    """Ada and Bob; each has an email, a repeat, a claim, the company of both, and was seen once more."""
    made = Folded()
    for number, (uid, repeat) in enumerate((("ada", "e" * 32), ("bob", "f" * 32))):
        email = f"{uid}@x.example"
        event = upserted(
            uid, email=email, idempotency=repeat, note=f"{uid}-note", company_id=COMPANY
        )
        id_ = made.put(event).id
        made.put(upserted(uid))
        made.claim(email, id_, 50 + number)
    return made


FOUND: Final = {Mark.FOUND}
KEPT: Final = {Mark.KEPT}


@pytest.mark.parametrize(
    ("asked", "prefixes"),
    [
        ({"uid": "ada"}, "DUHIJOEY"),
        ({"email": "ADA@x.example"}, "DOEK"),
        ({"texts": ("ada-note",)}, "DO"),
    ],
)
def test_each_row_about_the_person_is_found(
    folded: Folded, asked: dict[str, Any], prefixes: str
) -> None:
    marks = folded.marks(person(*folded.log, **asked))

    found = {prefix for prefix, seen in marks.items() if seen != KEPT}
    assert found == set(prefixes)


@pytest.mark.parametrize(
    "asked", [{"email": "ADA@x.example"}, {"texts": ("ada-note",)}, {"texts": ('ada "A" \u0105',)}]
)
def test_an_old_value_is_found_in_a_history(folded: Folded, asked: dict[str, Any]) -> None:
    folded.put(upserted("ada", nick='ada "A" \u0105'))
    folded.put(upserted("ada", email="new@x.example", note="new", nick="new"))
    evidence = Evidence(person(*folded.log, **asked))
    state = rows(folded.profiles.state)
    changed = keyspace.history(id_of("ada"), folded.profiles.state.applied)
    unchanged = keyspace.history(id_of("ada"), 1)

    assert mark(evidence.row(changed, state[changed])) is Mark.FOUND
    assert evidence.row(unchanged, state[unchanged]) is None


def test_claims_that_the_log_names_are_found_in_the_email_index(folded: Folded) -> None:
    about = person(*folded.log, uid="ada")
    digest = IDENTITY.email_hash(ACCOUNT, "ada@x.example").hex()
    about.learn_claim(key(50), encode(EmailClaimed(ACCOUNT, AT, digest, id_of("ada"))))

    assert folded.marks(about)["K"] == FOUND


def test_no_row_is_about_somebody_who_was_never_there(folded: Folded) -> None:
    about = person(*folded.log, uid="carol", email="carol@x.example", texts=("carol-note",))

    assert folded.marks(about) == {}


def test_after_a_forget_only_what_is_kept_is_left(folded: Folded) -> None:
    folded.put(forgotten(id_of("ada"), "ada"))
    folded.emails.put(key(50), None)
    offset = folded.profiles.state.applied
    folded.profiles.state.left(offset)

    by_uid = folded.marks(person(*folded.log, uid="ada"))
    by_deletion = folded.marks(person(*folded.log, deletion=DELETION))

    assert by_uid == by_deletion == dict.fromkeys("XROAWQ", KEPT)


def test_a_receipt_tells_which_offsets_were_erased(folded: Folded) -> None:
    folded.put(forgotten(id_of("ada"), "ada"))
    about = person(*folded.log, deletion=DELETION)

    folded.marks(about)

    assert about.erased == {0: {0, 1}}


def test_the_marker_of_a_deleted_row_is_kept(folded: Folded) -> None:
    evidence = Evidence(person(*folded.log, uid="ada"))

    assert mark(evidence.row(keyspace.document(user("ada")), None)) is Mark.KEPT
    assert mark(evidence.row(keyspace.user(id_of("ada")), None)) is Mark.KEPT
    assert mark(evidence.row(keyspace.member(COMPANY, id_of("ada")), None)) is Mark.KEPT
    assert evidence.row(keyspace.user(STRANGER), None) is None
    assert evidence.row(keyspace.member(COMPANY, STRANGER), None) is None
    assert evidence.row(keyspace.outbox(1), None) is None


def test_a_row_of_an_unknown_kind_is_found_when_it_names_the_person(folded: Folded) -> None:
    about = person(*folded.log, uid="ada")
    evidence = Evidence(about)

    assert mark(evidence.row(b"?" + bytes.fromhex(id_of("ada")), b"")) is Mark.FOUND
    assert mark(evidence.row(b"?", id_of("ada").encode())) is Mark.FOUND
    assert evidence.row(b"?" + bytes.fromhex(STRANGER), b"") is None
    assert mark(evidence.row(b"D" + bytes.fromhex(STRANGER), bytes.fromhex(id_of("ada")))) is (
        Mark.FOUND
    )
