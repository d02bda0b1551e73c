"""Streams of changes (contract §13)."""

import asyncio
import contextlib
import time
from collections.abc import Iterator

import pytest

from schemas.identity import Identity
from schemas.stream_cursors import StreamCursor, encode_stream_cursor
from streams.log.topics import Topics, known_log
from tests.contract.expectations import assert_error, is_timestamp
from tests.support.following import CHANGES, Event, Following, Refused
from tests.support.service import (
    MAX_STREAMS,
    PARTITIONS,
    Account,
    Service,
    eventually,
    marked,
    marked_email,
)


@pytest.fixture(scope="module")
def following(account: Account) -> Iterator[Following]:
    """A stream that wants everything, open while these tests run."""
    with Following(account) as stream:
        yield stream


def of(id_: str, events: list[Event]) -> list[Event]:
    """Those events that are about the profile."""
    return [event for event in events if event.data.get("profile", {}).get("id") == id_]


def test_a_change_is_shown_with_the_whole_profile(
    account: Account, following: Following, uid: str
) -> None:
    id_ = account.known(uid=uid, plan="free", seats=3)
    account.known(uid=uid, plan="gold")

    first, second = of(id_, following.until(lambda events: len(of(id_, events)) == 2))

    assert first.type == second.type == "profile-upserted"
    assert set(first.data["changed"]) == {"plan", "seats"}
    assert second.data["changed"] == ["plan"]
    assert second.data["profile"] == account.profile(id=id_)
    assert second.data["at"] == second.data["profile"]["updated_at"]
    assert sorted(second.data) == ["at", "changed", "profile"]


def test_every_kind_of_change_has_its_type(account: Account, following: Following) -> None:
    email = marked_email()
    loser = account.known(uid=marked("uid"), email=email)
    account.known(uid=marked("uid"), email=email)
    account.clear(id=loser)
    tracked = account.track(uid=marked("uid"), name="opened")
    assert tracked.status_code == 201

    def types() -> list[str]:
        return [event.type for event in of(loser, following.events)]

    following.until(lambda _: types()[-1:] == ["profile-cleared"])
    account.forget(id=loser)
    following.until(lambda _: types()[-1:] == ["profile-forgotten"])

    assert types() == [
        "profile-upserted",
        "profile-email-released",
        "profile-cleared",
        "profile-forgotten",
    ]
    assert "event-tracked" in following.types()


def test_of_a_forgotten_user_only_the_id_is_shown(
    account: Account, following: Following, uid: str
) -> None:
    id_ = account.known(uid=uid, plan=marked())
    account.forget(id=id_)

    events = following.until(
        lambda events: [each.type for each in of(id_, events)][-1:] == ["profile-forgotten"]
    )
    last = of(id_, events)[-1]

    assert last.data == {"profile": {"id": id_}, "changed": [], "at": last.data["at"]}
    assert is_timestamp(last.data["at"])


def test_a_stream_is_of_one_account_alone(
    account: Account, stranger: Account, following: Following, uid: str
) -> None:
    with Following(stranger) as other:
        theirs = stranger.known(uid=uid)
        ours = account.known(uid=uid)
        other.until(lambda events: of(theirs, events))
        following.until(lambda events: of(ours, events))

        assert not of(theirs, following.events)
        assert not of(ours, other.events)


def test_types_and_props_are_all_that_is_shown(account: Account, uid: str) -> None:
    with (
        Following(account, types="profile-cleared, profile-forgotten") as types,
        Following(account, props="userRole, seats") as props,
    ):
        id_ = account.known(uid=uid, plan="free")
        account.known(uid=uid, user_role="admin")
        account.clear(id=id_)
        types.until(lambda events: len(of(id_, events)) == 1)
        account.forget(id=id_)

        types.until(lambda events: len(of(id_, events)) == 2)
        props.until(lambda events: len(of(id_, events)) == 2)

        assert [e.type for e in of(id_, types.events)] == ["profile-cleared", "profile-forgotten"]
        assert [e.type for e in of(id_, props.events)] == ["profile-upserted", "profile-forgotten"]
        assert of(id_, props.events)[0].data["changed"] == ["user_role"]


def test_a_stream_resumes_behind_the_event_that_was_seen_last(account: Account, uid: str) -> None:
    with Following(account) as stream:
        id_ = account.known(uid=uid, n=0)
        account.known(uid=uid, n=1)
        seen = of(id_, stream.until(lambda events: len(of(id_, events)) == 2))
    account.known(uid=uid, n=2)

    def resumed(place: str) -> list[int]:
        with Following(account, {"Last-Event-ID": place}) as stream:
            stream.until(lambda _: "caught-up" in stream.types() and 2 in shown(stream))
            return shown(stream)

    def shown(stream: Following) -> list[int]:
        return [event.data["profile"]["n"] for event in of(id_, stream.events)]

    assert 0 not in resumed(seen[0].id)
    assert resumed(seen[1].id) == [2]


def test_a_place_is_also_taken_from_the_query_and_comments_move_it(
    account: Account, uid: str
) -> None:
    with Following(account, types="profile-cleared") as stream:
        place = stream.last_id
    assert place is not None
    id_ = account.known(uid=uid)

    with Following(account, last_event_id=place) as stream:
        stream.until(lambda events: of(id_, events))


def test_a_resumed_stream_does_not_show_who_was_forgotten_meanwhile(
    account: Account, uid: str
) -> None:
    with Following(account) as stream:
        place = stream.last_id
        id_ = account.known(uid=uid, plan=marked())
        stream.until(lambda events: of(id_, events))
    assert place is not None
    account.forget(id=id_)

    with Following(account, {"Last-Event-ID": place}) as stream:
        events = stream.until(lambda events: of(id_, events))

        assert [event.type for event in of(id_, events)] == ["profile-forgotten"]


def test_from_the_start_everybody_is_shown_as_they_are(stranger: Account, uid: str) -> None:
    id_ = stranger.known(uid=uid, n=1)

    with Following(stranger, None, **{"from": "start"}) as stream:
        # Everybody's changes are read, of all accounts that other tests have filled.
        events = stream.until(
            lambda events: "caught-up" in stream.types() and of(id_, events), seconds=120
        )

        assert of(id_, events)[-1].data["profile"] == stranger.profile(id=id_)


@pytest.mark.parametrize("where", ["header", "query", "body"])
def test_the_secret_is_taken_in_every_form(account: Account, service: Service, where: str) -> None:
    parameters = {"account_secret": account.secret}
    match where:
        case "header":
            request = service.http.build_request(
                "GET", CHANGES, headers={"X-Account-Secret": account.secret}
            )
        case "query":
            request = service.http.build_request("GET", CHANGES, params=parameters)
        case _:
            request = service.http.build_request("POST", CHANGES, json=parameters)

    answer = service.http.send(request, stream=True)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-store"
    assert next(answer.iter_lines()) == "retry: 1000"
    answer.close()


def test_without_a_good_secret_there_is_no_stream(service: Service) -> None:
    assert_error(service.http.get(CHANGES), 403)
    assert_error(service.http.post(CHANGES, json={"account_secret": marked("secret")}), 403)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"types": "profile-upserted,profile-deleted"}, "types"),
        ({"types": ""}, "types"),
        ({"props": "🚧"}, "props"),
        ({"props": "a,,b"}, "props"),
        ({"props": ",".join(f"p{n}" for n in range(101))}, "props"),
        ({"from": "yesterday"}, "from"),
        ({"last_event_id": "12"}, "Last-Event-ID"),
        ({"last_event_id": "é" * 20}, "Last-Event-ID"),
    ],
)
def test_what_is_wrong_is_named(account: Account, parameters: dict[str, str], words: str) -> None:
    assert_error(account.http.get(CHANGES, params=parameters), 422, words)


def test_a_place_of_another_account_is_none(stranger: Account, following: Following) -> None:
    assert following.last_id is not None

    answer = stranger.http.get(CHANGES, headers={"Last-Event-ID": following.last_id})

    assert_error(answer, 422, "Last-Event-ID", "from=start")


def test_a_place_is_good_for_23_hours(account: Account, service: Service) -> None:
    topics, identity = (
        Topics(PARTITIONS, service.prefix),
        Identity(bytes.fromhex(service.hash_key), PARTITIONS),
    )
    log = asyncio.run(known_log(service.kafka, topics, identity)).log

    def place(minutes: int) -> dict[str, str]:
        at = time.time_ns() // 1_000_000 - minutes * 60_000
        text = encode_stream_cursor(StreamCursor(at, (0,) * PARTITIONS), account.id, log)
        return {"Last-Event-ID": text}

    with Following(account, place(23 * 60 - 1)) as stream:
        stream.until(lambda _: "caught-up" in stream.types())
    old = account.http.get(CHANGES, headers=place(23 * 60 + 1))
    assert_error(old, 422, "Last-Event-ID is older than 23 hours", "from=start")


def test_so_many_streams_may_be_open_and_no_more(
    account: Account, service: Service, following: Following
) -> None:
    with contextlib.ExitStack() as streams:
        assert not following.ended
        for _ in range(MAX_STREAMS - 1):
            streams.enter_context(Following(account))

        # A node counts its own, and these are all open at one.
        refused = service.http.get(CHANGES, headers={"X-Account-Secret": account.secret})

        assert_error(refused, 503, "too many streams")
        assert int(refused.headers["Retry-After"]) > 0

    def opens_again() -> bool:
        try:
            with Following(account) as stream:
                return not stream.ended
        except Refused:  # the service has still to notice that the others are gone
            return False

    eventually(opens_again)


def test_a_revoked_secret_ends_its_streams(service: Service) -> None:
    owner = service.create_account("Revoked")
    made = service.run("secrets", "add", owner.id)
    second = service.account(owner.id, made["secret"]["text"])
    with Following(second) as stream:
        service.run("secrets", "revoke", owner.id, made["secret"]["id"])
        owner.known(uid=marked("uid"), plan=marked())
        stream.until(lambda _: stream.ended)

        assert stream.events == []
