"""The stage that a sampled stack belongs to."""

import pytest

from benchmarks.budget.stages import Frame, Stage, stage_of
from benchmarks.processes import REPOSITORY

SITE = "/srv/venv/lib/python3.11/site-packages"
REQUEST = (
    f"HttpProtocol._start ({REPOSITORY}/api/http/protocol.py:200)",
    f"HTTPRoute.handle ({SITE}/litestar/routes/http.py:62)",
    f"upsert ({REPOSITORY}/api/controllers/hooks.py:31)",
)
COMMAND = f"upsert ({REPOSITORY}/api/commands/upserting.py:33)"
FOLD = f"ProfileState._apply ({REPOSITORY}/projections/profiles.py:63)"
ROCKSDB = f"RocksStorage.get_many ({REPOSITORY}/projections/storage.py:122)"
CONNECTION = f"AIOKafkaConnection.send ({SITE}/aiokafka/conn.py:400)"
SOCKET = "StreamWriter.write (/usr/lib/python3.11/asyncio/streams.py:342)"

STACKS: dict[Stage, list[list[str]]] = {
    Stage.HTTP: [
        [*REQUEST],
        [f"RequestResponseCycle.send ({SITE}/uvicorn/protocols/http/httptools_impl.py:463)"],
    ],
    Stage.NORMALIZE: [
        [*REQUEST, COMMAND, f"normalize ({REPOSITORY}/schemas/normalization.py:74)"],
    ],
    Stage.READ: [
        [*REQUEST, COMMAND, f"ProfileState.read ({REPOSITORY}/projections/profiles.py:116)"],
    ],
    Stage.SEND: [
        [*REQUEST, COMMAND, f"Appender.append ({REPOSITORY}/streams/log/appender.py:90)"],
        [f"Sender._send ({SITE}/aiokafka/producer/sender.py:1)", CONNECTION, SOCKET],
        [CONNECTION],
    ],
    Stage.FETCH: [
        [f"Fetcher._fetch ({SITE}/aiokafka/consumer/fetcher.py:476)", CONNECTION, SOCKET],
        [f"ChunkConsumer._deliver ({REPOSITORY}/streams/consumer_group/chunk_delivery.py:106)"],
    ],
    Stage.FOLD: [
        [f"OwnFold.run ({REPOSITORY}/streams/partition/runtime.py:1)", FOLD, ROCKSDB],
        [FOLD, f"uid_hash ({REPOSITORY}/schemas/identity.py:142)"],
    ],
    Stage.CLAIM: [
        [f"ClaimSender._send_some ({REPOSITORY}/streams/partition/claim_sender.py:80)", ROCKSDB],
    ],
    Stage.PUBLISH: [
        [
            f"TransactionalPublisher.send ({REPOSITORY}/streams/log/transactions.py:1)",
            f"AIOKafkaProducer.send_batch ({SITE}/aiokafka/producer/producer.py:537)",
        ],
        [f"Sender._do_txn_commit ({SITE}/aiokafka/producer/sender.py:1)", CONNECTION],
    ],
    Stage.INDEX: [
        [
            f"SearchFeed._send ({REPOSITORY}/streams/indexing/commit_loop.py:273)",
            f"ProfileState.rows ({REPOSITORY}/projections/profiles.py:130)",
            ROCKSDB,
        ],
        [FOLD, f"put ({REPOSITORY}/projections/changes.py:115)"],
    ],
    Stage.REST: [
        [],
        ["Timeout.reschedule (/usr/lib/python3.11/asyncio/timeouts.py:50)"],
    ],
}


@pytest.mark.parametrize("stage", Stage)
def test_the_innermost_call_that_has_a_stage_decides(stage: Stage) -> None:
    for stack in STACKS[stage]:
        assert stage_of([*map(Frame.parse, stack)]) is stage, stack


def test_a_frame_has_its_file_below_the_repository_or_its_package() -> None:
    assert Frame.parse(COMMAND) == ("upsert", "api/commands/upserting.py")
    assert Frame.parse(CONNECTION) == ("AIOKafkaConnection.send", "aiokafka/conn.py")
    assert Frame.parse("<lambda> (<string>:1)") == ("<lambda>", "<string>")
