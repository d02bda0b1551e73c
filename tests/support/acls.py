"""Kafka's ACLs, given and taken by an admin through the protocol; and those that docs/operating.md lists."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAssignmentType=false, reportIncompatibleMethodOverride=false
# aiokafka is annotated in part.

import asyncio
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Int8, Int16, Int32, Schema, String

from private_names.of_aiokafka_protocol import ask
from streams.log.kafka_access import KafkaAccess
from streams.log.rights import kafka_admin
from tests.support.service import REPOSITORY

KINDS = {"topic": 2, "group": 3, "transactional id": 5}
PATTERNS = {"literal": 3, "prefixed": 4}
OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "DescribeConfigs": 10, "AlterConfigs": 11}
_ALLOW = 3
_ROW = re.compile(r"\| ([a-z ]+) \| `([a-z-]+)` \| (literal|prefixed) \| ([A-Za-z, ]+) \|")
_TEXT = String("utf-8")
_ACL = (
    ("resource_type", Int8),
    ("resource_name", _TEXT),
    ("pattern", Int8),
    ("principal", _TEXT),
    ("host", _TEXT),
    ("operation", Int8),
    ("permission", Int8),
)
_RESULT = (("error_code", Int16), ("error_message", _TEXT))


class Acl(NamedTuple):
    """What one user may do with a resource."""

    kind: str
    name: str
    pattern: str
    operation: str

    def fields(self, user: str) -> tuple[Any, ...]:
        kind, pattern = KINDS[self.kind], PATTERNS[self.pattern]
        operation = OPERATIONS[self.operation]
        return kind, self.name, pattern, f"User:{user}", "*", operation, _ALLOW


def listed(prefix: str) -> list[Acl]:
    """The rights of docs/operating.md, with a topic prefix."""
    text = (REPOSITORY / "docs/operating.md").read_text()
    return [
        Acl(kind, prefix + name, pattern, operation)
        for kind, name, pattern, operations in _ROW.findall(text)
        for operation in operations.split(", ")
    ]


def give(admin: KafkaAccess, user: str, acls: Iterable[Acl]) -> None:
    answer = _asked(admin, _Change(_GiveRequest, [each.fields(user) for each in acls]))
    assert [code for code, _ in answer.results if code] == []


def take(admin: KafkaAccess, user: str, acl: Acl) -> None:
    answer = _asked(admin, _Change(_TakeRequest, [acl.fields(user)]))
    assert [(code, len(taken)) for code, _, taken in answer.results] == [(0, 1)]


class _GiveResponse(Response):
    API_KEY = 30
    API_VERSION = 1
    SCHEMA = Schema(("throttle_time_ms", Int32), ("results", Array(*_RESULT)))


class _GiveRequest(RequestStruct):
    API_KEY = 30
    API_VERSION = 1
    RESPONSE_TYPE = _GiveResponse
    SCHEMA = Schema(("creations", Array(*_ACL)))


class _TakeResponse(Response):
    API_KEY = 31
    API_VERSION = 1
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("results", Array(*_RESULT, ("taken", Array(*_RESULT, *_ACL)))),
    )


class _TakeRequest(RequestStruct):
    API_KEY = 31
    API_VERSION = 1
    RESPONSE_TYPE = _TakeResponse
    SCHEMA = Schema(("filters", Array(*_ACL)))


class _Change(Request[_GiveRequest]):
    API_KEY = 30

    def __init__(self, made: Callable[[Any], Any], acls: list[Any]) -> None:
        self._made, self._acls = made, acls

    def prepare(self, versions: Any) -> Any:  # noqa: ARG002 - aiokafka's signature
        return self._made(self._acls)

    def build(self, request_struct_class: Any) -> Any:
        raise NotImplementedError


def _asked(access: KafkaAccess, request: Request[Any]) -> Any:
    async def work() -> Any:
        async with kafka_admin(access) as admin:
            return await ask(admin, request)

    return asyncio.run(work())
