"""The counts and pages of `benchmarks.search`, asked of PostgreSQL as its users would write them.

Tables of JSONB with a GIN index for containment and one for the presence of names, a B-tree for the order of pages and
for the company. Statistics are fresh and the table is vacuumed.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

from benchmarks.profiles import COMPANIES, make_company, make_profile
from benchmarks.search import NOW, PAGES, REPEATS, Answers
from benchmarks.twin.database import Connection, Pool, connect
from benchmarks.twin.postgres import PostgresServer
from schemas.timestamps import MILLISECONDS_PER_DAY, format_timestamp

TABLES: Final = """
create table company(id text primary key, doc jsonb not null);
create table profile(id text not null, created_at text not null, company_id text, doc jsonb not null)
"""
INDEXES: Final = """
create index on profile using gin(doc jsonb_path_ops);
create index on profile using gin(doc);
create index on profile(created_at, id);
create index on profile(company_id);
create index on company using gin(doc jsonb_path_ops);
"""
CHUNK: Final = 20_000
ENOUGH_SECONDS: Final = 3.0
"""A question that takes long is repeated for so long only, three times at least."""


def _of_companies(where: str) -> str:
    return f"company_id in (select id from company where {where})"  # noqa: S608 - our own texts


_GOLD: Final = """doc @> '{"subscription_type": "gold"}'"""

WHERE: Final[Mapping[str, str]] = {
    "everybody": "true",
    "eq": _GOLD,
    "ne": """not doc @> '{"role": "admin"}'""",
    "ex": "doc ? 'phone'",
    "nx": "not doc ? 'phone'",
    "gt of numbers": "doc->'score' > '90.5'",
    "lte of numbers": "doc->'login_count' <= '300'",
    "gt of texts": "doc->>'last_name' > 'Nguyen'",
    "gt of texts that all differ": "doc->>'email' > 'maria'",
    "gt of timestamps": "doc->>'last_login' > '2028-06-01T00:00:00.000Z'",
    "gt-d": f"doc->>'last_login' > '{format_timestamp(NOW - 30 * MILLISECONDS_PER_DAY)}'",
    "in-v": " or ".join(
        f"""doc @> '{{"country": "{country}"}}'""" for country in ("FR", "DE", "IT")
    ),
    "in-a": """doc @> '{"tags": ["tag7"]}'""",
    "of the company (a few)": _of_companies("""doc @> '{"plan": "gold"}'"""),
    "of the company (nearly all)": _of_companies("""doc @> '{"plan": "free"}'"""),
    "of the company (half)": _of_companies("doc->'seats' >= '50'"),
    "eq and gt": f"{_GOLD} and doc->'age' > '50'",
    "or of three": f"""{_GOLD} or doc->'age' > '70' or doc @> '{{"country": "FR"}}'""",
    "in (few distinct texts)": "doc->'address'->>'city' like '%on%'",
    "in (texts that all differ)": "doc->>'email' like '%maria.g%'",
    "in-i (texts that all differ)": "doc->>'email' ilike '%MARIA.G%'",
}


async def measure_twin_search(count: int) -> Answers:
    """Fill PostgreSQL with `count` profiles, and ask."""
    with tempfile.TemporaryDirectory(prefix="profilelog-bench-") as folder:
        server = PostgresServer()
        server.start(Path(folder))
        try:
            pool = await connect(server.dsn)
            await _fill(
                pool, count + REPEATS
            )  # those too that the other one's visibility was measured with
            answers = await _ask(pool)
            await pool.close()
        finally:
            server.stop()
    return answers


async def _ask(pool: Pool) -> Answers:
    counts: dict[str, int] = {}
    counts_ms: dict[str, float] = {}
    for name, where in WHERE.items():
        question = f"select count(*) from profile where {where}"  # noqa: S608 - our own texts
        counts[name] = await pool.fetchval(question)
        counts_ms[name] = await _median(pool, question)
    pages_ms = {name: await _median(pool, _page(WHERE[name])) for name in PAGES}
    return Answers(pages_ms, counts_ms, counts)


async def _fill(pool: Pool, count: int) -> None:
    async with pool.acquire() as connection:
        await connection.execute(TABLES)
        await _copy_companies(connection)
        numbers = iter(range(count))
        while chunk := list(islice(numbers, CHUNK)):
            await connection.copy_records_to_table(
                "profile",
                records=list(_rows(chunk)),
                columns=["id", "created_at", "company_id", "doc"],
            )
        await connection.execute("set maintenance_work_mem = '1GB'")
        for statement in INDEXES.strip().splitlines():
            await connection.execute(statement)
        await connection.execute("vacuum analyze profile")
        await connection.execute("vacuum analyze company")


async def _copy_companies(connection: Connection) -> None:
    companies = map(make_company, range(COMPANIES))
    rows = [(company["id"], json.dumps(company)) for company in companies]
    await connection.copy_records_to_table("company", records=rows, columns=["id", "doc"])


def _rows(numbers: list[int]) -> Iterator[tuple[str, str, str, str]]:
    for number in numbers:
        document = make_profile(number)
        yield (
            document["id"],
            document["created_at"],
            document["company_id"],
            json.dumps(document),
        )


def _page(where: str) -> str:
    return f"select doc from profile where {where} order by created_at desc, id desc limit 50"  # noqa: S608


async def _median(pool: Pool, question: str) -> float:
    took: list[float] = []
    began = time.perf_counter()
    while len(took) < REPEATS and (len(took) < 3 or time.perf_counter() - began < ENOUGH_SECONDS):
        asked = time.perf_counter()
        await pool.fetch(question)
        took.append((time.perf_counter() - asked) * 1000)
    return median(took)


if __name__ == "__main__":
    found = asyncio.run(measure_twin_search(int(sys.argv[1])))
    sys.stdout.buffer.write(msgspec.json.encode(found))
