"""The twin's HTTP service: JSONB profiles, a history row in the same transaction, a GIN index.

It answers the product's paths, as far as a side-by-side load needs them.
Run: TWIN_DSN=postgresql://… TWIN_SECRET=… python -m benchmarks.twin.service PORT
"""

import asyncio
import hmac
import os
import socket
import sys
from typing import Any

import msgspec
import uvicorn
from litestar import Litestar, Request, Response, delete, get, post
from litestar.datastructures import State

from benchmarks.twin.database import Pool, Row, connect
from benchmarks.twin.documents import normalized
from benchmarks.twin.writes import as_json, new_id, staged, write, write_many

BODY_LIMIT = 16 * 1024 * 1024

SCHEMA = """
create table if not exists profile (
    id text primary key,
    uid text unique not null,
    email text unique,
    doc jsonb not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create table if not exists history (
    seq bigserial primary key,
    profile_id text not null,
    kind text not null,
    body jsonb,
    at timestamptz not null default now()
);
create index if not exists history_profile on history (profile_id);
create index if not exists profile_doc on profile using gin (doc jsonb_path_ops);
create index if not exists profile_created on profile (created_at desc, id);
"""

FORGET = "delete from profile where uid = $1 returning id"
FORGET_HISTORY = "delete from history where profile_id = $1"

COLUMNS = "id, doc, created_at, updated_at"
READ_BY = {
    column: f"select {COLUMNS} from profile where {column} = $1"  # noqa: S608  # three constants
    for column in ("uid", "id", "email")
}
COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}

SECRET = os.environ["TWIN_SECRET"].encode()

TwinRequest = Request[Any, Any, State]


def _refusal(code: int, message: str) -> Response[Any]:
    return Response({"code": code, "messages": [message]}, status_code=code)


FORBIDDEN = _refusal(403, "Unauthorized")


@get("/ready")
async def ready() -> None:
    """The pool is connected before the first request is taken."""


@post(["/v3/observe/hooks/profiles", "/v3/observe/hooks/{secret:str}/profiles"])
async def upsert(request: TwinRequest, secret: str | None = None) -> Response[Any]:
    if not _is_authorized(request, secret):
        return FORBIDDEN
    profile = normalized(msgspec.json.decode(await request.body()))
    if profile.get("uid") is None:
        return _refusal(422, "No identifier found")
    row = await write(_pool(request), profile)
    return Response({"profile": {"id": row["id"]}}, status_code=201 if row["created"] else 200)


@post("/v3/observe/hooks/profiles/batch")
async def upsert_batch(request: TwinRequest) -> Response[Any]:
    if not _is_authorized(request):
        return FORBIDDEN
    # In a thread, so that other requests are answered meanwhile.
    rows, errors = await asyncio.to_thread(staged, await request.body())
    await write_many(_pool(request), rows)
    answer: dict[str, Any] = {"batch": {"id": new_id()}}
    if errors:
        answer["errors"] = errors
    return Response(answer, status_code=202)


@get("/v3/analyze/profile")
async def read(request: TwinRequest) -> Response[Any]:
    if not _is_authorized(request):
        return FORBIDDEN
    for column, statement in READ_BY.items():
        if (value := request.query_params.get(column)) is not None:
            row = await _pool(request).fetchrow(statement, _folded(column, value))
            return _refusal(404, "not found") if row is None else Response({"profile": _shown(row)})
    return _refusal(422, "no identifier")


@post(["/v3/analyze/profiles", "/v3/analyze/profiles/count"])
async def search(request: TwinRequest) -> Response[Any]:
    if not _is_authorized(request):
        return FORBIDDEN
    asked = msgspec.json.decode(await request.body())
    condition, values = _condition(asked.get("filters", []), asked.get("filters_op", "and"))
    if request.url.path.endswith("/count"):
        statement = f"select count(*) from profile where {condition}"  # noqa: S608  # see _condition
        return Response({"count": await _pool(request).fetchval(statement, *values)})
    statement = (
        f"select {COLUMNS} from profile where {condition} "  # noqa: S608  # see _condition
        f"order by created_at desc, id limit {int(asked.get('limit', 50))}"
    )
    rows = await _pool(request).fetch(statement, *values)
    return Response({"profiles": [_shown(row) for row in rows]}, status_code=200)


@delete("/v3/edit/profiles/forget", status_code=200)
async def forget(request: TwinRequest) -> Response[Any]:
    if not _is_authorized(request):
        return FORBIDDEN
    uid = request.query_params["uid"]
    async with _pool(request).acquire() as connection, connection.transaction():
        profile_id = await connection.fetchval(FORGET, uid)
        await connection.execute(FORGET_HISTORY, profile_id)
    if profile_id is None:
        return _refusal(404, "not found")
    return Response({"profile": {"id": profile_id}, "deletion": {"id": new_id()}})


def _is_authorized(request: TwinRequest, in_path: str | None = None) -> bool:
    # Called by each handler: a Litestar guard costs as much as the rest of a read.
    sent = in_path or request.headers.get("x-account-secret", "")
    return hmac.compare_digest(sent.encode(), SECRET)


def _condition(filters: list[dict[str, Any]], joined_by: str) -> tuple[str, list[str]]:
    """A `where` clause of placeholders only, and what belongs in them."""
    parts: list[str] = []
    values: list[str] = []

    def placeholder(value: str) -> str:
        values.append(value)
        return f"${len(values)}"

    for asked in filters:
        prop, op, value = asked["prop"], asked["op"], asked.get("value")
        if op == "eq":
            parts.append(f"doc @> {placeholder(as_json({prop: value}))}::jsonb")
        elif op in COMPARISONS:
            left = f"doc -> {placeholder(prop)}"
            parts.append(f"{left} {COMPARISONS[op]} {placeholder(as_json(value))}::jsonb")
        elif op == "in":
            parts.append(f"doc ->> {placeholder(prop)} like {placeholder(f'%{value}%')}")
        elif op == "ex":
            parts.append(f"doc ? {placeholder(prop)}")
    return (" or " if joined_by == "or" else " and ").join(parts) or "true", values


def _folded(column: str, value: str) -> str:
    return value.strip().casefold() if column == "email" else value


def _shown(row: Row) -> dict[str, Any]:
    times = {name: row[name].isoformat() for name in ("created_at", "updated_at")}
    return {**msgspec.json.decode(row["doc"]), "id": row["id"], **times}


def _pool(request: TwinRequest) -> Pool:
    return request.app.state.pool


async def open_database(app: Litestar) -> None:
    pool = await connect(os.environ["TWIN_DSN"])
    await pool.execute(SCHEMA)
    app.state.pool = pool


def main() -> None:
    app = Litestar(
        [ready, upsert, upsert_batch, read, search, forget],
        on_startup=[open_database],
        request_max_body_size=BODY_LIMIT,
        openapi_config=None,
    )
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, loop="uvloop", http="httptools"
    )
    uvicorn.Server(config).run(sockets=[_shared_socket(int(sys.argv[1]))])


def _shared_socket(port: int) -> socket.socket:
    """Other processes of the service may listen there, too."""
    shared = socket.socket()
    shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    shared.bind(("127.0.0.1", port))
    return shared


if __name__ == "__main__":
    main()
