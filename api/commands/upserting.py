"""Create or update one profile (contract §3)."""

from collections.abc import Mapping
from typing import NamedTuple

from api.commands.addressing import (
    CONTRADICTION,
    NO_PROFILE,
    anywhere_by_email,
    anywhere_by_id,
    nobody,
)
from api.commands.drafting import TWO_COMPANIES, CompanyReference, Draft, draft
from api.commands.former_claims import release_former_holder
from api.commands.pacing import beside
from api.commands.repeating import KeyedRequest, Target
from schemas.errors import Conflict, NotFound, Unprocessable
from schemas.events import ProfileUpserted
from schemas.identifiers import missing_identifier_sentence
from streams.clock import now
from streams.node import Node, Written

TOO_LARGE = "The profile would be too large: send fewer or shorter properties, or `$unset` some"


class Upserted(NamedTuple):
    """The answer to a write: which profile, and which names were not settable."""

    written: Written
    ignored: list[str]


async def upsert(
    node: Node, account: str, sent: Mapping[str, object], keyed: KeyedRequest | None
) -> Upserted:
    """Write one profile and wait until every read shows it.

    Raises `Unprocessable`, `NotFound`, `Conflict`, `Unavailable`.
    """
    at = now()
    try:
        write = await beside(draft, sent, at)
    except Unprocessable:
        if keyed is not None and keyed.first is not None:
            # It was taken by a version that was less strict: a repeat gets the answer of then.
            return Upserted(await keyed.answered(), [])
        raise
    if keyed is not None and keyed.first is not None:
        return Upserted(await keyed.answered(), write.ignored)

    async def find() -> Target:
        return await target_of(node, account, write)

    target = await (find() if keyed is None else keyed.aim(find))
    properties = write.properties
    if write.by_email:
        # The email only says who is meant: written again it could be claimed back from a later holder.
        del properties["email"]
    await release_former_holder(node, account, write)
    if write.company is not None:
        uid = write.company.made_by
        made = {} if uid is None else await node.company_log.make(account, [uid], at)
        properties["company_id"] = company_id(node, account, write.company, made)
    event = ProfileUpserted(
        account=account,
        at=at,
        properties=properties,
        unset=write.unset,
        idempotency=None if keyed is None else keyed.id,
        fingerprint=None if keyed is None else keyed.fingerprint,
        **target.names,
    )
    written = await (node if keyed is None else keyed).write(target.partition, event)
    match written.verdict.outcome:
        case "missing" | "spent":
            raise NotFound(NO_PROFILE)
        case "too_large":
            raise Unprocessable(TOO_LARGE)
        case _:
            return Upserted(written, write.ignored)


async def target_of(node: Node, account: str, write: Draft) -> Target:
    """Whom a write means: only `uid` creates.

    Raises `Unprocessable` when it names nobody, `NotFound` when unknown, `Conflict` when its names do not agree;
    `Unavailable`.
    """
    if write.id is not None:
        found = await anywhere_by_id(node, account, write.id)
        if found is None:
            raise await nobody(node, account, write.uid, write.email)
        if write.uid is not None and found.user != node.identity.uid_hash(account, write.uid):
            raise Conflict(CONTRADICTION)
        return Target(node.identity.partition_of_id(found.id), {"id": found.id, "uid": write.uid})
    if write.uid is not None:
        return Target(node.identity.partition_of_uid(account, write.uid), {"uid": write.uid})
    if write.email is None:
        raise Unprocessable(missing_identifier_sentence(None))
    found = await anywhere_by_email(node, account, write.email)
    if found is None:
        raise NotFound(NO_PROFILE)
    return Target(node.identity.partition_of_id(found.id), {"id": found.id})


def company_id(
    node: Node, account: str, company: CompanyReference, made: Mapping[int | str, str]
) -> str | None:
    """The id of the company that a write names, by its uid alone one of those that have been made (contract §3)."""
    if company.made_by is not None:
        return made[company.made_by]
    if company.id is not None and node.companies.get(company.id, account) is None:
        raise Unprocessable("company_id: no such company")
    if company.uid is not None and node.companies.id_of(account, company.uid) != company.id:
        raise Unprocessable(TWO_COMPANIES)
    return company.id
