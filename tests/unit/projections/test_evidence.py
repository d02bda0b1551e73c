"""What records and rows say about a person (`projections.auditing.evidence`, `projections.auditing.person`)."""

import json
from typing import Any, Final, get_args

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from projections.auditing.evidence import Evidence, Mark, Role, Trace
from projections.auditing.person import Person
from schemas.events import (
    CompanyGone,
    CompanyLeft,
    CompanyUpserted,
    DeletionTombstoned,
    EmailClaimed,
    EmailReleased,
    ProfileCleared,
    ProfileEvent,
    ProfileUpserted,
    encode,
)
from schemas.identifiers import fold_email, uid_text
from tests.support.folding import ACCOUNT, AT, IDENTITY, key, upserted
from tests.support.persons import COMPANY, DELETION, OTHER, STRANGER, forgotten, id_of, mark, person

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


def judged(
    about: Person, event: ProfileEvent | bytes, offset: int = 5, role: Role = "events"
) -> Trace | None:
    value = event if isinstance(event, bytes) else encode(event)
    return Evidence(about).record(role, 0, offset, key(offset), value)


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
    assume(text not in encode(event).decode() and text not in key(5).decode("latin-1"))
    value = data.draw(respelled(event))
    assume(text not in value.decode())

    assert judged(person(texts=(text,)), value, offset=5) is None


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
