"""Old bytes of the log are read, and those of a later version refused (`schemas.versions`)."""

from typing import Literal

import msgspec
import pytest

from schemas.events import ProfileUpserted, decode_company_event, decode_profile_event, encode
from schemas.versions import EventDecoder, UndecodableRecord
from tests.support.folding import IDENTITY, Profiles, key
from tests.support.memory_log import Record

# Version 1, as it stands in logs that were written. Never to be changed: what is changed is how it is read.
PROFILE_EVENTS = [
    b'{"type":"profile-upserted","account":"a1","at":1,"uid":"ada","properties":{"plan":"gold"}}',
    b'{"type":"profile-upserted","account":"a1","at":2,"id":"00000000000000000000000a","unset":["plan"],"idempotency":"r1"}',
    b'{"type":"event-tracked","account":"a1","at":3,"name":"opened","uid":7,"properties":{"n":1}}',
    b'{"type":"profile-cleared","account":"a1","at":4,"id":"00000000000000000000000a"}',
    b'{"type":"profile-email-released","account":"a1","at":5,"id":"00000000000000000000000a","claim":"c1","by":"c2"}',
    b'{"type":"profile-forgotten","account":"a1","at":6,"id":"00000000000000000000000a","user":"00000000000000000000000000000000","deletion":"00000000000000000000000d"}',
    b'{"type":"deletion-tombstoned","account":"a1","at":7,"id":"00000000000000000000000d","events":3}',
    b'{"type":"deletion-purged","account":"a1","at":8,"id":"00000000000000000000000d","events":3}',
    b'{"type":"batch-opened","account":"a1","at":9,"id":"00000000000000000000000b","fingerprint":"f1"}',
    (
        b'{"type":"batch-received","account":"a1","at":10,"id":"00000000000000000000000b","received":2,"accepted":2,'
        b'"skipped":0,"failed":0,"last":{"0":4}}'
    ),
    b'{"type":"company-gone","account":"a1","at":11,"company":"00000000000000000000000c"}',
    b'{"type":"profile-company-left","account":"a1","at":12,"id":"00000000000000000000000a","company":"00000000000000000000000c"}',
]
COMPANY_EVENTS = [
    b'{"type":"company-upserted","account":"a1","at":1,"id":"00000000000000000000000c","uid":"acme","properties":{"n":1}}',
    b'{"type":"company-deleted","account":"a1","at":2,"id":"00000000000000000000000c","deletion":"00000000000000000000000d"}',
    b'{"type":"company-tombstoned","account":"a1","at":3,"id":"00000000000000000000000d","events":2}',
]


@pytest.mark.parametrize("value", PROFILE_EVENTS)
def test_a_profile_event_of_version_1_is_read(value: bytes) -> None:
    assert msgspec.json.decode(encode(decode_profile_event(value))) == msgspec.json.decode(value)


def test_events_of_version_1_are_folded() -> None:
    profiles = Profiles()
    records = [Record(n, key(n), value) for n, value in enumerate(PROFILE_EVENTS)]

    profiles.state.apply(records)

    assert profiles.state.undecoded == 0
    found = profiles.state.read(IDENTITY.uid_hash("a1", "ada"), "a1")
    assert found is not None
    assert found.document()["plan"] == "gold"


@pytest.mark.parametrize("value", COMPANY_EVENTS)
def test_a_company_event_of_version_1_is_read(value: bytes) -> None:
    assert decode_company_event(encode(decode_company_event(value))) == decode_company_event(value)


class UpsertedToday(msgspec.Struct, tag="profile-upserted", tag_field="type", kw_only=True):
    """What `profile-upserted` might be in its third version."""

    v: Literal[3]
    account: str
    at_us: int
    user: str


DECODER = EventDecoder(
    "profile-events",
    msgspec.json.Decoder(UpsertedToday),
    {
        "profile-upserted": (
            lambda old: {**old, "v": 2, "user": str(old["uid"])},
            lambda old: {**old, "v": 3, "at_us": old["at"] * 1000},
        )
    },
)


@pytest.mark.parametrize(
    "value",
    [
        b'{"type":"profile-upserted","account":"a1","at":1,"uid":7}',
        b'{"type":"profile-upserted","v":2,"account":"a1","at":1,"user":"7"}',
        b'{"type":"profile-upserted","v":3,"account":"a1","at_us":1000,"user":"7"}',
    ],
)
def test_every_version_becomes_the_newest(value: bytes) -> None:
    assert DECODER.decode(value) == UpsertedToday(v=3, account="a1", at_us=1000, user="7")


@pytest.mark.parametrize("v", [b"4", b"0", b"-1", b'"2"'])
def test_a_version_that_is_not_known_is_refused(v: bytes) -> None:
    value = b'{"type":"profile-upserted","v":%b,"account":"a1","at_us":1,"user":"7"}' % v

    with pytest.raises(UndecodableRecord):
        DECODER.decode(value)


def test_an_event_of_tomorrow_is_not_taken_for_one_of_today() -> None:
    with pytest.raises(UndecodableRecord):
        decode_profile_event(
            b'{"type":"profile-cleared","account":"a1","at":4,"id":"00000000000000000000000a","v":2}'
        )


def test_a_property_of_this_name_is_no_version() -> None:
    event = ProfileUpserted(account="a1", at=1, uid=7, properties={"v": 2})

    assert decode_profile_event(encode(event)) == event
