"""What records and rows say about a person (`projections.auditing.evidence`, `projections.auditing.person`)."""

import json
from collections.abc import Iterable
from typing import Any, Final, get_args

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from projections import keyspace
from projections.auditing.evidence import Evidence, Mark, Role, Trace
from projections.auditing.person import Asked, Person
from projections.fold.verdict import Verdict
from schemas.events import (
    CompanyGone,
    CompanyLeft,
    CompanyUpserted,
    DeletionTombstoned,
    EmailClaimed,
    EmailReleased,
    ProfileCleared,
    ProfileEvent,
    ProfileForgotten,
    ProfileUpserted,
    encode,
)
from schemas.identifiers import fold_email, uid_text
from schemas.identity import profile_id
from tests.support.folding import ACCOUNT, AT, IDENTITY, Emails, Profiles, key, rows, upserted, user

OTHER: Final = "b" * 24
DELETION: Final = "d" * 24
STRANGER: Final = "5" * 24
COMPANY: Final = "c" * 24

_CHARACTERS: Final = st.characters(min_codepoint=32, exclude_categories=("Cs",))
TEXTS: Final = st.text(_CHARACTERS, min_size=1, max_size=20)
UIDS: Final = st.one_of(TEXTS, st.integers(-(10**20), 10**20))
FIELDS: Final = ("type", "account", "at", "id", "uid", "user", "deletion", "email", "profile")
EMAILS: Final = TEXTS.filter(lambda text: bool(text.strip()))


@st.composite
def spelled(draw: st.DrawFn, value: Any) -> bytes:
    """The value as JSON, any of whose characters may be escaped."""
    if isinstance(value, str):
        return b'"%b"' % b"".join([draw(_spelled_character(char)) for char in value])
    if isinstance(value, list):
        return b"[%b]" % b",".join([draw(spelled(item)) for item in _items(value)])
    if isinstance(value, dict):
        fields = _fields(value).items()
        return b"{%b}" % b",".join(
            [draw(spelled(name)) + b":" + draw(spelled(item)) for name, item in fields]
        )
    return json.dumps(value).encode()


def _items(value: Any) -> list[Any]:
    return value


def _fields(value: Any) -> dict[str, Any]:
    return value


def _spelled_character(char: str) -> st.SearchStrategy[bytes]:
    units = char.encode("utf-16-be").hex()
    escaped = "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
    ways = [escaped, escaped.upper().replace("U", "u")]
    plain = json.dumps(char, ensure_ascii=False)[1:-1]
    return st.sampled_from([plain.encode(), *(way.encode() for way in ways)])


def respelled(event: ProfileEvent | EmailClaimed) -> st.SearchStrategy[bytes]:
    """The event as the service writes it, or spelled in any other way."""
    value = encode(event)
    return st.just(value) | spelled(json.loads(value))


def person(*log: tuple[bytes, int, bytes], **asked: Any) -> Person:
    """Whom the auditor asks for, after (key, offset, value) of ``profile-events`` were read."""
    found = Person(Asked(**asked), IDENTITY, [ACCOUNT, OTHER])
    for _ in range(2):
        for key_, offset, value in log:
            found.learn_forget(value, offset)
            found.learn_event(key_, value, offset)
    return found


def judged(
    about: Person, event: ProfileEvent | bytes, offset: int = 5, role: Role = "events"
) -> Trace | None:
    value = event if isinstance(event, bytes) else encode(event)
    return Evidence(about).record(role, 0, offset, key(offset), value)


def mark(trace: Trace | None) -> Mark | None:
    return None if trace is None else trace.mark


def forgotten(id_: str, uid: int | str) -> ProfileForgotten:
    return ProfileForgotten(
        account=ACCOUNT, at=AT, id=id_, user=user(uid).hex(), deletion=DELETION, spent=["f" * 32]
    )


def id_of(uid: int | str, offset: int = 0) -> str:
    """The id of the profile that the event at the offset makes."""
    return profile_id(int(user(uid).hex()[:4], 16), key(offset))


# ---------------------------------------------------------------------- by uid


@given(st.data(), UIDS)
def test_an_event_with_the_uid_is_found_however_it_is_spelled(
    data: st.DataObject, uid: Any
) -> None:
    value = data.draw(respelled(upserted(uid, plan="free")))

    assert mark(judged(person(uid=uid_text(uid)), value)) is Mark.FOUND


@given(st.data(), UIDS, UIDS)
def test_an_event_of_somebody_else_is_not_found(data: st.DataObject, uid: Any, other: Any) -> None:
    assume(uid_text(uid) != uid_text(other))
    value = data.draw(respelled(upserted(other, note=uid_text(uid), email=uid_text(uid))))

    assert judged(person(uid=uid_text(uid)), value) is None


def test_a_number_and_its_text_are_one_uid() -> None:
    about = person(uid="18821")

    assert mark(judged(about, upserted(18821))) is Mark.FOUND
    assert mark(judged(about, upserted("18821"))) is Mark.FOUND
    assert judged(about, upserted(188210)) is None


def test_the_uid_in_another_account_is_a_namesake() -> None:
    elsewhere = ProfileUpserted(account=OTHER, at=AT, uid="ada")

    assert mark(judged(person(uid="ada", account=ACCOUNT), elsewhere)) is Mark.NAMESAKE
    assert mark(judged(person(uid="ada"), elsewhere)) is Mark.FOUND


def test_a_company_with_the_uid_or_the_email_is_a_namesake() -> None:
    properties = {"email": "ADA@x.example"}
    company = encode(
        CompanyUpserted(account=ACCOUNT, at=AT, id=COMPANY, uid="ada", properties=properties)
    )

    assert mark(judged(person(uid="ada"), company, role="companies")) is Mark.NAMESAKE
    assert mark(judged(person(email="ada@x.example"), company, role="companies")) is Mark.NAMESAKE
    assert judged(person(uid="bob"), company, role="companies") is None


def test_who_left_a_company_is_found_and_that_it_is_gone_says_nothing_of_anybody() -> None:
    about = person((key(0), 0, encode(upserted("ada"))), uid="ada")
    left = CompanyLeft(account=ACCOUNT, at=AT, id=id_of("ada"), company=COMPANY)

    assert mark(judged(about, left)) is Mark.FOUND
    assert judged(about, CompanyLeft(account=ACCOUNT, at=AT, id=STRANGER, company=COMPANY)) is None
    assert judged(about, CompanyGone(account=ACCOUNT, at=AT, company=COMPANY)) is None


def test_a_uid_leads_to_every_event_that_names_only_the_profile() -> None:
    about = person((key(0), 0, encode(upserted("ada"))), uid="ada")
    id_ = id_of("ada")
    events: list[ProfileEvent] = [
        upserted(None, id=id_, plan="gold"),
        ProfileCleared(account=ACCOUNT, at=AT, id=id_),
        EmailReleased(account=ACCOUNT, at=AT, id=id_, claim="1" * 32, by="2" * 32),
    ]

    assert [mark(judged(about, event)) for event in events] == [Mark.FOUND] * 3
    assert judged(about, ProfileCleared(account=ACCOUNT, at=AT, id=STRANGER)) is None


def test_a_public_document_is_found_by_its_key_and_by_its_uid() -> None:
    about = person((key(0), 0, encode(upserted("ada"))), uid="ada", account=ACCOUNT)
    id_ = id_of("ada")
    document = b'{"profile":{"id":"%b","uid":"ada"}}'

    def public(key_: str, value: bytes | None) -> Mark | None:
        return mark(Evidence(about).record("profiles", 0, 0, key_.encode(), value))

    assert public(id_, b"{}") is Mark.FOUND
    assert public(id_, None) is Mark.KEPT
    assert public(STRANGER, None) is None
    same_slot = id_[:4] + STRANGER[4:]
    assert public(same_slot, document % same_slot.encode()) is Mark.FOUND
    assert public(STRANGER, document % STRANGER.encode()) is Mark.NAMESAKE


def test_what_a_forget_leaves_behind_is_kept() -> None:
    forget = forgotten(id_of("ada"), "ada")
    tombstoned = DeletionTombstoned(account=ACCOUNT, at=AT, id=DELETION, events=1)
    purged = b'{"type":"deletion-purged","account":"a","at":1,"id":"%b"}' % DELETION.encode()
    about = person((key(3), 3, encode(forget)), uid="ada")

    assert [mark(judged(about, event)) for event in (forget, tombstoned, purged)] == [Mark.KEPT] * 3
    assert judged(person(uid="bob"), forget) is None


def test_an_event_of_another_version_is_found_by_what_all_have_in_common() -> None:
    tracked = b'{"type":"event-seen","account":"%b","at":1,"uid":"ada"}' % ACCOUNT.encode()

    listed = tracked.replace(b'"account"', b'"id":["x"],"account"')

    assert mark(judged(person(uid="ada"), tracked)) is Mark.FOUND
    assert mark(judged(person(uid="ada"), listed)) is Mark.FOUND
    assert judged(person(uid="bob"), tracked) is None
    assert judged(person(uid="ada"), b"no JSON at all, though it says ada") is None


# ---------------------------------------------------------------------- by email


@given(st.data(), EMAILS)
def test_an_event_with_the_email_is_found_however_it_is_spelled(
    data: st.DataObject, email: str
) -> None:
    sent = data.draw(st.sampled_from([email, f" {email}\t", email.upper(), email.casefold()]))
    assume(fold_email(sent) == fold_email(email))
    value = data.draw(respelled(upserted("ada", email=sent)))

    assert mark(judged(person(email=email), value)) is Mark.FOUND


@given(st.data(), EMAILS, EMAILS)
def test_an_event_with_another_email_is_not_found(
    data: st.DataObject, email: str, other: str
) -> None:
    assume(fold_email(email) != fold_email(other))
    value = data.draw(respelled(upserted("ada", email=other, note=email)))

    assert judged(person(email=email), value) is None


def test_a_claim_is_found_by_the_hash_of_the_email() -> None:
    def claim(account: str, email: str) -> bytes:
        digest = IDENTITY.email_hash(account, email)
        return encode(EmailClaimed(account, AT, digest.hex(), STRANGER))

    about = person(email="ada@x.example", account=ACCOUNT)

    assert mark(judged(about, claim(ACCOUNT, "ADA@x.example"), role="emails")) is Mark.FOUND
    assert mark(judged(about, claim(OTHER, "ada@x.example"), role="emails")) is Mark.NAMESAKE
    assert judged(about, claim(ACCOUNT, "bob@x.example"), role="emails") is None


def test_a_document_of_who_claimed_the_email_in_another_account_is_a_namesake() -> None:
    about = person(email="ada@x.example", account=ACCOUNT)
    digest = IDENTITY.email_hash(OTHER, "ada@x.example")
    about.learn_claim(key(1), encode(EmailClaimed(OTHER, AT, digest.hex(), STRANGER)))

    def document(id_: str) -> bytes:
        return b'{"profile":{"id":"%b","email":"ada@x.example"}}' % id_.encode()

    assert mark(judged(about, document(STRANGER), role="profiles")) is Mark.NAMESAKE
    assert mark(judged(about, document("6" * 24), role="profiles")) is Mark.FOUND


# ---------------------------------------------------------------------- by deletion


def test_a_deletion_leads_to_the_records_before_it_and_not_to_who_came_back() -> None:
    first = (key(0), 0, encode(upserted("ada")))
    forget = (key(3), 3, encode(forgotten(id_of("ada"), "ada")))
    back = (key(7), 7, encode(upserted("ada")))
    about = person(first, forget, back, deletion=DELETION)

    assert about.known
    assert mark(judged(about, upserted("ada"), offset=0)) is Mark.FOUND
    assert judged(about, upserted("ada"), offset=7) is None
    assert judged(about, upserted("bob"), offset=0) is None
    assert (
        mark(judged(about, ProfileCleared(account=ACCOUNT, at=AT, id=id_of("ada")))) is Mark.FOUND
    )
    assert judged(about, ProfileCleared(account=ACCOUNT, at=AT, id=id_of("ada", 7))) is None


def test_a_deletion_of_another_account_or_of_nobody_is_not_known() -> None:
    forget = (key(3), 3, encode(forgotten(id_of("ada"), "ada")))

    assert not person(forget, deletion="e" * 24).known
    assert not person(forget, deletion=DELETION, account=OTHER).known


def test_what_stands_where_a_receipt_says_that_it_was_erased_is_found() -> None:
    about = person(deletion=DELETION)
    about.erased[0].add(4)

    assert mark(judged(about, b"not even an event", offset=4)) is Mark.FOUND
    assert judged(about, b"not even an event", offset=5) is None


# ---------------------------------------------------------------------- by a string


@given(st.data(), TEXTS, TEXTS, TEXTS)
def test_a_string_is_found_wherever_it_stands_and_however_it_is_spelled(
    data: st.DataObject, text: str, before: str, after: str
) -> None:
    whole = before + text + after
    places: list[dict[str, Any]] = [{"a": {"b": [whole]}}, {whole: 1}, {"email": whole}]
    where = data.draw(st.sampled_from(places))
    event = ProfileUpserted(account=ACCOUNT, at=AT, uid="bob", properties=where)
    value = data.draw(respelled(event))

    for role in ("events", "emails", "profiles", "companies", "other"):
        assert mark(judged(person(texts=(text,)), value, role=role)) is Mark.FOUND


@given(st.data(), TEXTS)
def test_a_string_that_is_not_there_is_not_found(data: st.DataObject, text: str) -> None:
    event = upserted("bob", a={"b": ["c", 12, None]}, d=True)
    assume(text not in encode(event).decode())
    value = data.draw(respelled(event))
    assume(text not in value.decode())

    assert judged(person(texts=(text,)), value) is None


def test_a_string_in_a_key_is_found() -> None:
    evidence = Evidence(person(texts=("ada",)))

    assert mark(evidence.record("other", 0, 0, b"x-ada-x", None)) is Mark.FOUND


# ---------------------------------------------------------------------- junk

JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.just(DELETION),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(FIELDS), inner),
)
JUNK: Final = st.binary() | JSON.map(lambda value: json.dumps(value).encode())


def curious() -> Person:
    """Somebody who asks for all that there is."""
    return person(uid="ada", email="ada@x.example", deletion=DELETION, texts=("ada",))


def test_a_hash_that_is_none_stops_no_audit() -> None:
    forget = msgspec.structs.replace(forgotten(STRANGER, "ada"), user="not hex")
    about = person((key(3), 3, encode(forget)), deletion=DELETION)

    about.learn_claim(key(1), encode(EmailClaimed(ACCOUNT, AT, "not hex", STRANGER)))

    assert not about.known
    assert judged(about, encode(EmailClaimed(ACCOUNT, AT, "no", STRANGER)), role="emails") is None


@given(JUNK, JUNK, st.sampled_from(get_args(Role)))
def test_no_record_is_such_that_it_stops_an_audit(key_: bytes, value: bytes, role: Role) -> None:
    about = curious()

    for offset in range(2):
        about.learn_forget(value, offset)
        about.learn_event(key_, value, offset)
        about.learn_claim(key_, value)
        Evidence(about).record(role, 0, offset, key_, value)


@given(st.sampled_from("DUHIGYXSRTBOZMEK?"), st.binary(), JUNK)
def test_no_row_is_such_that_it_stops_an_audit(prefix: str, rest: bytes, value: bytes) -> None:
    about = curious()

    about.learn_row(0, prefix.encode() + rest, value)
    Evidence(about).row(prefix.encode() + rest, value)


# ---------------------------------------------------------------------- the state


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
