"""asyncpg, which ships without complete types, behind the few of its methods that the twin uses."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import Any, Protocol, cast

Row = Mapping[str, Any]

MIN_CONNECTIONS = 4
MAX_CONNECTIONS = 16


class Queries(Protocol):
    async def execute(self, query: str, *args: object) -> str: ...
    async def fetch(self, query: str, *args: object) -> list[Row]: ...
    async def fetchrow(self, query: str, *args: object) -> Row | None: ...
    async def fetchval(self, query: str, *args: object) -> Any: ...


class Connection(Queries, Protocol):
    def transaction(self) -> AbstractAsyncContextManager[object]: ...
    async def copy_records_to_table(
        self, table_name: str, *, records: Sequence[Sequence[object]], columns: Sequence[str]
    ) -> str: ...


class Pool(Queries, Protocol):
    async def close(self) -> None: ...
    def acquire(self) -> AbstractAsyncContextManager[Connection]: ...


async def connect(dsn: str) -> Pool:
    """A pool with its first connections made. asyncpg caches the statements it prepares."""
    create_pool = import_module("asyncpg").create_pool
    return cast(Pool, await create_pool(dsn, min_size=MIN_CONNECTIONS, max_size=MAX_CONNECTIONS))


def conflicts() -> tuple[type[Exception], ...]:
    """The errors of transactions that have met one another: a key that is there twice, a deadlock."""
    asyncpg = import_module("asyncpg")
    return asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError
