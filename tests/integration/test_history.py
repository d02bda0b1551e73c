"""History, earlier states and exports outlive kill -9 and a state that is folded again (contract §12)."""

# aiokafka is not annotated. Of what it returns, this file uses values only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from schemas.identity import event_key
from streams.log.topics import Topics
from tests.contract.expectations import assert_error
from tests.support.service import (
    PARTITIONS,
    UPSERT,
    Account,
    Service,
    eventually,
    marked,
    marked_email,
)


def append_again(service: Service, partition: int, offset: int) -> None:
    """Append the value at a position under another key, as a second node does with a repeated request."""

    async def work() -> None:
        place = TopicPartition(Topics(PARTITIONS, service.prefix).events, partition)
        consumer = AIOKafkaConsumer(**service.kafka.client_options())
        producer = AIOKafkaProducer(**service.kafka.client_options(), acks="all")
        async with consumer, producer:
            consumer.assign([place])
            consumer.seek(place, offset)
            record = await consumer.getone()
            await producer.send_and_wait(
                place.topic, record.value, key=event_key(), partition=partition
            )

    asyncio.run(work())


def told(account: Account, id_: str, moments: list[str]) -> list[Any]:
    """What the history, the export and reads of earlier times answer."""
    path = f"/v3/analyze/profiles/{id_}"
    answers = [
        account.http.get(f"{path}/history"),
        account.http.get(f"{path}/history", params={"before": moments[1]}),
        account.http.get(f"{path}/export"),
        *(account.http.get(path, params={"as_of": moment}) for moment in moments),
    ]
    assert {answer.status_code for answer in answers} == {200}
    return [answer.json() for answer in answers]


def test_the_past_is_the_same_after_a_kill_and_of_a_state_that_is_folded_again(
    own_service: Service,
) -> None:
    account, uid, email = (
        own_service.create_account("A"),
        marked("uid"),
        marked_email(),
    )
    id_ = account.known(uid=uid, email=email, plan="free", browser_x=5, company_uid=marked("firm"))
    repeated = account.keyed(marked("key"), UPSERT, {"uid": uid, "plan": "gold", "email": "$unset"})
    account.track(uid=uid, name="a")
    partition, offset = map(int, repeated.headers["X-Log-Position"].split(":"))
    account.upsert(uid=uid, plan="platinum")
    append_again(own_service, partition, offset)
    path = f"/v3/analyze/profiles/{id_}/history"
    eventually(lambda: "passed_over" in account.http.get(path).text)
    account.clear(uid=uid)
    account.upsert(uid=uid, role="$unset", plan="$unset")
    events = account.http.get(path).json()["events"]
    moments = [event["at"] for event in events]

    assert [(event["type"], event.get("passed_over")) for event in events] == [
        ("profile-upserted", None),
        ("profile-cleared", None),
        ("profile-upserted", "duplicate"),
        ("profile-upserted", None),
        ("event-tracked", None),
        ("profile-upserted", None),
        ("profile-upserted", None),
    ]
    assert events[0]["changes"] == {"plan": ["platinum", None]}
    assert events[2]["changes"] == {}
    before = told(account, id_, moments)

    own_service.kill()
    own_service.start()
    assert told(account, id_, moments) == before

    own_service.kill()
    own_service.lose_state()
    own_service.start()
    assert told(account, id_, moments) == before

    account.forget(uid=uid)
    for suffix in ("/history", "/export", f"?as_of={moments[-1]}"):
        assert_error(account.http.get(f"/v3/analyze/profiles/{id_}{suffix}"), 404)
