"""Whom a request means: ids, uids and emails to profiles of one account (contract §3, §5).

`by_id`, `by_uid` and `by_email` look at the partitions of this node and raise `Elsewhere` for others; what is called
`anywhere_…` asks their owners.
"""

from collections.abc import Mapping
from typing import NamedTuple

from projections.profile import StoredProfile
from schemas.errors import Conflict, NotFound, Unprocessable
from schemas.identifiers import (
    fold_email,
    missing_identifier_sentence,
    parse_email,
    parse_id,
    parse_uid,
)
from schemas.identity import is_id
from streams.cluster.operations import HolderOf, ReadProfile
from streams.node import Node
from streams.partition.owned_partitions import Elsewhere

NO_PROFILE = "No such profile"
CONTRADICTION = "The identifiers name different profiles"


class Identifiers(NamedTuple):
    """What a request names a profile by."""

    id: str | None = None
    uid: int | str | None = None
    email: str | None = None


def parse_identifiers(given: Mapping[str, object]) -> Identifiers:
    """Check the identifiers among the parameters. Raises `Unprocessable`."""
    uid = given.get("uid")
    return Identifiers(
        id=parse_id(given),
        uid=None if uid is None else parse_uid(uid),
        email=parse_email(given.get("email")),
    )


def parse_beside(id_: str, given: Mapping[str, object]) -> Identifiers:
    """The `id` of a path and the identifiers beside it, which have to agree with it.

    Raises `Unprocessable`, and `Conflict` for another `id`.
    """
    named = parse_identifiers(given)
    if named.id not in (None, id_):
        raise Conflict(CONTRADICTION)
    return named._replace(id=id_)


def by_id(node: Node, account: str, id_: str) -> StoredProfile | None:
    """The profile with this id; None also for a text that has not the form of one."""
    if not is_id(id_):
        return None
    found = node.partitions.profiles(node.identity.partition_of_id(id_)).read_by_id(id_, account)
    return _unless_doomed(node, found)


def by_uid(node: Node, account: str, uid: int | str) -> StoredProfile | None:
    """The profile of the user with this uid."""
    user = node.identity.uid_hash(account, uid)
    found = node.partitions.profiles(node.identity.partition_of_hash(user)).read(user, account)
    return _unless_doomed(node, found)


def _unless_doomed(node: Node, profile: StoredProfile | None) -> StoredProfile | None:
    """Not a profile whose company was deleted with it, though its own forget is still to come (contract §10)."""
    if profile is None or profile.header.company is None:
        return profile
    deletion = node.companies.deletion_of(profile.header.company)
    return None if deletion is not None and deletion.cascade else profile


def by_email(node: Node, account: str, email: str) -> StoredProfile | None:
    """The profile that holds this email: index, then document, which must still have it."""
    for digest in node.identity.email_hashes(account, email):
        id_ = node.partitions.emails(node.identity.partition_of_hash(digest)).holder(digest)
        found = None if id_ is None else by_id(node, account, id_)
        if found is not None and _holds(found, email):
            return found
    return None


def _holds(profile: StoredProfile, email: str) -> bool:
    held = profile.document().get("email")
    return isinstance(held, str) and fold_email(held) == fold_email(email)


async def anywhere_by_id(node: Node, account: str, id_: str) -> StoredProfile | None:
    """As `by_id`, of another node too. Raises `Unavailable`."""
    try:
        return by_id(node, account, id_)
    except Elsewhere:
        partition = node.identity.partition_of_id(id_)
        found = await node.cluster.peers.ask(ReadProfile(partition, account, id_))
        return _unless_doomed(node, found)


async def anywhere_by_uid(node: Node, account: str, uid: int | str) -> StoredProfile | None:
    """As `by_uid`, of another node too. Raises `Unavailable`."""
    try:
        return by_uid(node, account, uid)
    except Elsewhere:
        user = node.identity.uid_hash(account, uid)
        partition = node.identity.partition_of_hash(user)
        found = await node.cluster.peers.ask(ReadProfile(partition, account, user=user))
        return _unless_doomed(node, found)


async def anywhere_by_email(node: Node, account: str, email: str) -> StoredProfile | None:
    """As `by_email`, where the index or the profile is another node's too. Raises `Unavailable`."""
    try:
        return by_email(node, account, email)
    except Elsewhere:
        pass
    for digest in node.identity.email_hashes(account, email):
        id_ = await node.cluster.read(HolderOf(node.identity.partition_of_hash(digest), digest))
        found = None if id_ is None else await anywhere_by_id(node, account, id_)
        if found is not None and _holds(found, email):
            return found
    return None


async def nobody(
    node: Node, account: str, uid: int | str | None, email: str | None
) -> NotFound | Conflict:
    """The error for an id that names nobody: it contradicts a `uid` or `email` that names somebody."""
    named = (uid is not None and await anywhere_by_uid(node, account, uid) is not None) or (
        email is not None and await anywhere_by_email(node, account, email) is not None
    )
    return Conflict(CONTRADICTION) if named else NotFound(NO_PROFILE)


async def find(node: Node, account: str, named: Identifiers) -> StoredProfile:
    """The one profile that all given identifiers name.

    Raises `Unprocessable` with none, `NotFound` when unknown, `Conflict` when they do not agree; `Unavailable`.
    """
    found: list[StoredProfile | None] = []
    if named.id is not None:
        found.append(await anywhere_by_id(node, account, named.id))
    if named.uid is not None:
        found.append(await anywhere_by_uid(node, account, named.uid))
    if named.email is not None:
        found.append(await anywhere_by_email(node, account, named.email))
    if not found:
        raise Unprocessable(missing_identifier_sentence(None))
    known = [profile for profile in found if profile is not None]
    if not known:
        raise NotFound(NO_PROFILE)
    if len(known) < len(found) or len({profile.id for profile in known}) > 1:
        raise Conflict(CONTRADICTION)
    return known[0]
