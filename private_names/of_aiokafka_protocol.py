# pyright: reportPrivateUsage=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAssignmentType=false, reportIncompatibleMethodOverride=false
# aiokafka is annotated in part.
"""Requests of Kafka's protocol that aiokafka lacks, in the form in which it has its own.

What a user may do with topics and a group (KIP-430), and changing some settings of a topic and no others (KIP-339).
Every Kafka since 2.4 answers these versions.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import IncompatibleBrokerVersion

from private_names.of_aiokafka import AIOKAFKA

with AIOKAFKA.importing():
    from aiokafka.protocol.api import Request, RequestStruct, Response
    from aiokafka.protocol.types import Array, Boolean, Bytes, Int8, Int16, Int32, Schema, String

__all__ = ["AlterSettings", "GroupRights", "TopicRights", "ask"]

AIOKAFKA.check_names({AIOKafkaAdminClient: ("_send_request",)})

_TEXT = String("utf-8")
_TOPIC = 2  # the kind of a resource
_SET = 0


class _TopicRightsResponse(Response):
    API_KEY = 3
    API_VERSION = 8
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            Array(("node_id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT)),
        ),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("name", _TEXT),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline_replicas", Array(Int32)),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
        ("authorized_operations", Int32),
    )


class _TopicRightsRequest(RequestStruct):
    API_KEY = 3
    API_VERSION = 8
    RESPONSE_TYPE = _TopicRightsResponse
    SCHEMA = Schema(
        ("topics", Array(_TEXT)),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
    )


class TopicRights(Request[_TopicRightsRequest]):
    """What this client may do with these topics: a bit for each operation, by Kafka's numbers of operations."""

    API_KEY = 3

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = list(topics)

    def build(self, request_struct_class: type[_TopicRightsRequest]) -> _TopicRightsRequest:
        return request_struct_class(self._topics, False, False, True)


class _GroupRightsResponse(Response):
    API_KEY = 15
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "groups",
            Array(
                ("error_code", Int16),
                ("group", _TEXT),
                ("state", _TEXT),
                ("protocol_type", _TEXT),
                ("protocol", _TEXT),
                (
                    "members",
                    Array(
                        ("member_id", _TEXT),
                        ("client_id", _TEXT),
                        ("client_host", _TEXT),
                        ("member_metadata", Bytes),
                        ("member_assignment", Bytes),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
    )


class _GroupRightsRequest(RequestStruct):
    API_KEY = 15
    API_VERSION = 3
    RESPONSE_TYPE = _GroupRightsResponse
    SCHEMA = Schema(("groups", Array(_TEXT)), ("include_authorized_operations", Boolean))


class GroupRights(Request[_GroupRightsRequest]):
    """What this client may do with a consumer group; to be asked of the group's coordinator.

    aiokafka's own request of this version reads the answer without the rights.
    """

    API_KEY = 15

    def __init__(self, group: str) -> None:
        self._group = group

    def build(self, request_struct_class: type[_GroupRightsRequest]) -> _GroupRightsRequest:
        return request_struct_class([self._group], True)


class _AlterSettingsResponse(Response):
    API_KEY = 44
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "resources",
            Array(
                ("error_code", Int16),
                ("error_message", _TEXT),
                ("resource_type", Int8),
                ("resource_name", _TEXT),
            ),
        ),
    )


class _AlterSettingsRequest(RequestStruct):
    API_KEY = 44
    API_VERSION = 0
    RESPONSE_TYPE = _AlterSettingsResponse
    SCHEMA = Schema(
        (
            "resources",
            Array(
                ("resource_type", Int8),
                ("resource_name", _TEXT),
                ("configs", Array(("name", _TEXT), ("operation", Int8), ("value", _TEXT))),
            ),
        ),
        ("validate_only", Boolean),
    )


class AlterSettings(Request[_AlterSettingsRequest]):
    """Give a topic these settings; all others stay, where aiokafka's `alter_configs` resets them."""

    API_KEY = 44

    def __init__(self, topic: str, settings: Mapping[str, str]) -> None:
        self._topic = topic
        self._settings = [(name, _SET, value) for name, value in settings.items()]

    def build(self, request_struct_class: type[_AlterSettingsRequest]) -> _AlterSettingsRequest:
        return request_struct_class([(_TOPIC, self._topic, self._settings)], False)


async def ask(admin: AIOKafkaAdminClient, request: Request[Any], node: int | None = None) -> Any:
    """The answer of a broker, any where no `node` is named. Raises `KafkaError`."""
    try:
        return await admin._send_request(request, node)
    except NotImplementedError as error:
        raise IncompatibleBrokerVersion(str(error)) from None
