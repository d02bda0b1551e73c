"""The twin's writes: a profile, its history and its email in one transaction.

An email is the last one's who sent it, as it is here (contract §3): whoever held it has a null from then on, and a row
of history that says so.
"""

import secrets
from typing import Any

import msgspec

from benchmarks.twin.database import Connection, Pool, Row, conflicts
from benchmarks.twin.documents import normalized

ATTEMPTS = 20

SHOWN_EMAIL = "case when excluded.doc ? 'email' then excluded.email else profile.email end"
UPSERT = f"""
insert into profile (id, uid, email, doc) values ($1, $2, $3, $4)
on conflict (uid) do update set
    doc = profile.doc || excluded.doc,
    email = {SHOWN_EMAIL},
    updated_at = now()
returning id, xmax = 0 as created
"""  # noqa: S608  # our own text
REMEMBER = "insert into history (profile_id, kind, body) values ($1, 'upserted', $2)"
RELEASE = (
    "update profile set email = null, doc = jsonb_set(doc, '{email}', 'null'), updated_at = now()"
)
REMEMBER_RELEASED = "insert into history (profile_id, kind) select id, 'email-released' from former"
TAKE_OVER = f"""
with former as ({RELEASE} where email = $1 and uid <> $2 returning id) {REMEMBER_RELEASED}
"""
# Those that have met each other once go one after the other.
QUEUE = "select pg_advisory_xact_lock(1)"

STAGE = """
create temp table stage (n int, id text, uid text, email text, doc jsonb) on commit drop
"""
# The last item that sends an email has it.
CLAIMS = """
create temp table claim on commit drop as
select distinct on (email) email, uid from stage where email is not null order by email, n desc
"""
TAKE_OVER_STAGED = f"""
with former as (
    {RELEASE} from claim where profile.email = claim.email and profile.uid <> claim.uid
    returning profile.id as id
) {REMEMBER_RELEASED}
"""
CHOSEN = "select distinct on (uid) id, uid, email, doc from stage order by uid, n desc"
CHOSEN_WITH_EMAILS = """
select distinct on (stage.uid) stage.id, stage.uid, claim.email,
    case when stage.email is not null and claim.email is null
        then jsonb_set(stage.doc, '{email}', 'null') else stage.doc end
from stage left join claim on claim.uid = stage.uid and claim.email = stage.email
order by stage.uid, stage.n desc
"""
UPSERT_STAGED = f"""
insert into profile (id, uid, email, doc) %s
on conflict (uid) do update set
    doc = profile.doc || excluded.doc,
    email = {SHOWN_EMAIL},
    updated_at = now()
"""
REMEMBER_STAGED = """
insert into history (profile_id, kind, body)
select profile.id, 'upserted', stage.doc from stage join profile using (uid)
"""

StagedRow = tuple[int, str, str, str | None, str]


async def write(pool: Pool, profile: dict[str, Any]) -> Row:
    """Upsert a normalized profile; returns its `id` and whether it was `created`."""
    for attempt in range(ATTEMPTS):
        try:
            async with pool.acquire() as connection, connection.transaction():
                if attempt:
                    await connection.execute(QUEUE)
                return await _write(connection, profile)
        except conflicts():  # another request takes the email, or writes its holder, right now
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


async def _write(connection: Connection, profile: dict[str, Any]) -> Row:
    uid, email, doc = str(profile["uid"]), folded_email(profile), as_json(profile)
    if email is not None:
        await connection.execute(TAKE_OVER, email, uid)
    [row] = await connection.fetch(UPSERT, new_id(), uid, email, doc)
    await connection.execute(REMEMBER, row["id"], doc)
    return row


async def write_many(pool: Pool, rows: list[StagedRow]) -> None:
    """Upsert the rows of `staged` in one transaction."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(STAGE)
        await connection.copy_records_to_table(
            "stage", records=rows, columns=["n", "id", "uid", "email", "doc"]
        )
        if any(email is not None for _, _, _, email, _ in rows):
            await connection.execute(CLAIMS)
            await connection.execute("analyze stage; analyze claim")
            await connection.execute(TAKE_OVER_STAGED)
            await connection.execute(UPSERT_STAGED % CHOSEN_WITH_EMAILS)
        else:
            await connection.execute(UPSERT_STAGED % CHOSEN)
        await connection.execute(REMEMBER_STAGED)


def staged(body: bytes) -> tuple[list[StagedRow], list[dict[str, Any]]]:
    """The rows of a batch, and the errors of items that name nobody."""
    rows: list[StagedRow] = []
    errors: list[dict[str, Any]] = []
    for index, item in enumerate(msgspec.json.decode(body)["profiles"]):
        profile = normalized(item)
        if profile.get("uid") is None:
            errors.append({"code": 422, "index": index, "message": "No identifier found"})
            continue
        rows.append((index, new_id(), str(profile["uid"]), folded_email(profile), as_json(profile)))
    return rows, errors


def folded_email(profile: dict[str, Any]) -> str | None:
    email = profile.get("email")
    return email.strip().casefold() if isinstance(email, str) else None


def as_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def new_id() -> str:
    return secrets.token_hex(12)
