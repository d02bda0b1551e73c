# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# aiokafka and Faust are annotated in part.
"""The assignor of the consumer group: what its members say of themselves, and who gets which partitions.

Faust's own keeps what it knows in memory and moves partitions by it; this one goes by what the members have on their
disks (`streams.consumer_group.placement`). A node owns the same partitions of both topics.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

import msgspec
from faust.types import TP

from private_names.of_aiokafka import (
    ClusterMetadata,
    ConsumerProtocolMemberAssignment,
    ConsumerProtocolMemberMetadata,
)
from private_names.of_faust import PartitionAssignor
from streams.consumer_group.placement import Member, place

_VERSION: Final = 1


class PlacementAssignor(PartitionAssignor):
    """Places partitions; its app has `member`, which says what this node has."""

    def __init__(self, app: Any, replicas: int = 0) -> None:
        super().__init__(app, replicas)
        self._owned: set[TP] = set()

    # Its name stays Faust's: a process of a former version that was killed a moment ago is still of the group, and
    # Kafka takes nobody into a group who knows none of its protocols.

    @property
    def version(self) -> int:
        return _VERSION

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        said = msgspec.json.encode(cast("Any", self.app).member())
        return ConsumerProtocolMemberMetadata(self.version, sorted(topics), said)

    def assign(
        self,
        cluster: ClusterMetadata,
        member_metadata: Mapping[str, ConsumerProtocolMemberMetadata],
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        topics = sorted({topic for said in member_metadata.values() for topic in said.subscription})
        partitions = max(len(cluster.partitions_for_topic(topic) or ()) for topic in topics)
        members = {
            name: _decode_member(name, said.user_data) for name, said in member_metadata.items()
        }
        return {
            name: ConsumerProtocolMemberAssignment(
                self.version, [(topic, owned) for topic in topics], b""
            )
            for name, owned in place(members, partitions).items()
        }

    def on_assignment(self, assignment: Any) -> None:
        self._owned = {TP(tp.topic, tp.partition) for tp in assignment.partitions()}

    # ------------------------------------------------------------------ what Faust asks

    def group_for_topic(self, topic: str) -> int:  # noqa: ARG002 - all topics are placed alike
        return 0

    def assigned_actives(self) -> set[TP]:
        return set(self._owned)

    def assigned_standbys(self) -> set[TP]:
        return set()

    def is_active(self, tp: TP) -> bool:
        return tp in self._owned

    def is_standby(self, tp: TP) -> bool:  # noqa: ARG002 - Faust knows of none
        return False


def _decode_member(name: str, said: bytes) -> Member:
    """What a member says of itself; of a former version's nothing is known."""
    try:
        return msgspec.json.decode(said, type=Member)
    except msgspec.DecodeError:
        return Member(name)
