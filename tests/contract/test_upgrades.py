"""What an older version has left in the log goes on to mean what it meant."""

import time
from hashlib import blake2b
from typing import Any, Literal
from unicodedata import normalize

import pytest

from schemas.events import (
    ENCODER,
    BatchOpened,
    EmailClaimed,
    EmailWithdrawn,
    EventTracked,
    Place,
    ProfileUpserted,
    encode,
)
from schemas.identity import Identity, batch_id, claim_made_by, claim_record_keys, event_key
from streams.log.topics import Topics
from tests.contract.expectations import assert_error
from tests.support.kafka import append
from tests.support.service import (
    BATCH,
    EVENT,
    EVENT_BATCH,
    PARTITIONS,
    PROFILE,
    UPSERT,
    Account,
    Service,
    eventually,
    marked,
    marked_email,
)


@pytest.fixture
def identity(service: Service) -> Identity:
    return Identity(bytes.fromhex(service.hash_key), PARTITIONS)


@pytest.fixture
def topics(service: Service) -> Topics:
    return Topics(PARTITIONS, service.prefix)


def now() -> int:
    return time.time_ns() // 1_000_000


# --- requests that are remembered by the order of their names


@pytest.mark.parametrize("path", [UPSERT, EVENT])
def test_a_request_that_an_older_version_remembers_is_known_again(
    service: Service, account: Account, identity: Identity, topics: Topics, uid: str, path: str
) -> None:
    key, body = marked("key"), {"uid": uid, "name": "a", "b": 1.0, "a": 2}
    route = {UPSERT: "profile", EVENT: "event"}[path]
    fields: dict[str, Any] = {
        "account": account.id,
        "at": now(),
        "uid": uid,
        "idempotency": identity.repeat_id(account.id, key),
        "fingerprint": identity.request_hash(account.id, route, ENCODER.encode(body)),
    }
    event = ProfileUpserted(**fields) if path == UPSERT else EventTracked(name="a", **fields)
    partition = identity.partition_of_hash(identity.uid_hash(account.id, uid))
    append(service, topics.events, partition, event_key(), encode(event))
    eventually(lambda: account.has(uid=uid))

    again = account.keyed(key, path, body)

    assert again.status_code == 201
    assert "b" not in account.profile(uid=uid)
    assert_error(account.keyed(key, path, body | {"a": 3}), 422, "Idempotency-Key")


@pytest.mark.parametrize("path", [UPSERT, EVENT])
def test_a_request_that_an_older_version_took_and_this_one_refuses_is_answered_as_it_was_then(
    service: Service, account: Account, identity: Identity, topics: Topics, path: str
) -> None:
    key, body = marked("key"), {"uid": "undefined", "name": "a"}
    route = {UPSERT: "profile", EVENT: "event"}[path]
    fields: dict[str, Any] = {
        "account": account.id,
        "at": now(),
        "uid": "undefined",
        "idempotency": identity.repeat_id(account.id, key),
        "fingerprint": identity.request_hash(account.id, route, ENCODER.encode(body)),
    }
    event = ProfileUpserted(**fields) if path == UPSERT else EventTracked(name="a", **fields)
    partition = identity.partition_of_hash(identity.uid_hash(account.id, "undefined"))
    position = append(service, topics.events, partition, event_key(), encode(event))
    folded = {"X-Min-Log-Position": position}
    assert account.http.get(PROFILE, params={"uid": "undefined"}, headers=folded).is_success

    again = account.keyed(key, path, body)

    assert again.is_success
    assert again.headers["X-Log-Position"] == position
    assert_error(account.keyed(marked("key"), path, body), 422, "uid")


# --- claims of emails from before they were composed


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("many", [False, True], ids=["single", "batch"])
def test_an_email_that_an_older_version_gave_leads_to_its_user_and_to_one_user_only(
    service: Service,
    account: Account,
    identity: Identity,
    topics: Topics,
    uid: str,
    form: Literal["NFC", "NFD"],
    many: bool,
) -> None:
    email, key = normalize(form, marked_email("Weiß-é")), event_key()
    event = ProfileUpserted(account=account.id, at=now(), uid=uid, properties={"email": email})
    source = partition_of(identity, account, uid)
    position = append(service, topics.events, source, key, encode(event))
    eventually(lambda: account.has(email=email))
    id_ = account.profile(email=email)["id"]
    behind = (source, int(position.partition(":")[2]), 9)
    _claim_as_before(service, account, identity, topics, email, claim_made_by(key), id_, behind)

    for same in (email, normalize("NFC", email), normalize("NFD", email)):
        assert account.profile(email=same)["id"] == id_
    heir = marked("uid")
    claim = {"uid": heir, "email": normalize("NFC", email)}
    if many:
        account.applied(account.batch([claim]))
    else:
        account.known(**claim)

    assert account.profile(email=email)["uid"] == heir
    assert account.profile(uid=uid)["email"] is None


def partition_of(identity: Identity, account: Account, uid: str) -> int:
    return identity.partition_of_hash(identity.uid_hash(account.id, uid))


def _claim_as_before(
    service: Service,
    account: Account,
    identity: Identity,
    topics: Topics,
    email: str,
    claim: bytes,
    id_: str,
    behind: Place,
) -> None:
    """Let the claim stand under the hash that an older version gave the email, instead of today's.

    `behind` is a place behind that of today's claim and before all later ones.
    """
    today = identity.email_hash(account.id, email)
    key = bytes.fromhex(service.hash_key)
    named = f"{account.id}:{email.strip().casefold()}".encode()
    before = blake2b(named, key=key, digest_size=16, person=b"email").digest()
    (record_key,) = claim_record_keys([claim])
    withdrawal = encode(EmailWithdrawn(behind))
    append(service, topics.emails, identity.partition_of_hash(today), record_key, withdrawal)
    eventually(lambda: not account.has(email=email))
    value = encode(EmailClaimed(account.id, now(), before.hex(), id_))
    append(service, topics.emails, identity.partition_of_hash(before), claim, value)
    eventually(lambda: account.has(email=email))


# --- batches that are remembered by the name of a class of then


@pytest.mark.parametrize(
    ("path", "items", "name"),
    [(BATCH, "profiles", "Envelope"), (EVENT_BATCH, "events", "EventEnvelope")],
)
def test_a_batch_that_an_older_version_began_is_completed(
    service: Service,
    account: Account,
    identity: Identity,
    topics: Topics,
    uid: str,
    path: str,
    items: str,
    name: str,
) -> None:
    key, body = marked("key"), ENCODER.encode({items: [{"uid": uid, "name": "a"}]})
    batch = batch_id(identity.repeat_id(account.id, key))
    request = identity.request_hash(account.id, name, body)
    event = BatchOpened(account=account.id, at=now(), id=batch, fingerprint=request)
    partition = identity.partition_of_id(batch)
    position = append(service, topics.events, partition, event_key(), encode(event))
    account.http.get(PROFILE, params={"uid": uid}, headers={"X-Min-Log-Position": position})

    answer = account.http.post(path, content=body, headers={"Idempotency-Key": key})

    account.applied(answer)
    assert answer.json()["batch"]["id"] == batch
    assert account.has(uid=uid)
    other = account.http.post(path, content=body + b" ", headers={"Idempotency-Key": key})
    assert_error(other, 422, "Idempotency-Key")
