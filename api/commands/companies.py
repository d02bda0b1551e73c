"""Create, update, find and delete companies (contract §10)."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from api.commands.pacing import beside
from projections.companies.fold import MAX_COMPANY_BYTES, Company, CompanyDeletion
from schemas.errors import Conflict, NotFound, Unprocessable
from schemas.events import CompanyDeleted, CompanyUpserted
from schemas.identifiers import ordinal, parse_email, parse_id, parse_new_uid, parse_uid
from schemas.identity import is_id, random_id
from schemas.normalization import UNSET, normalize
from schemas.timestamps import format_timestamp
from streams.clock import now
from streams.erasure.company_deletion import ForgottenMember
from streams.node import Node

NO_COMPANY: Final = "No such company"
CONTRADICTION: Final = "id and uid name different companies"
TOO_LARGE: Final = (
    f"The company would be larger than {MAX_COMPANY_BYTES} bytes: "
    "send fewer or shorter properties, or `$unset` some"
)
# How long a deletion's answer waits for the company's profiles (contract §10).
SETTLE_SECONDS: Final = 5.0

# What a company cannot be a member of: another one.
_MEMBERSHIP: Final = ("company_id", "company_uid")


class CompanyDraft(NamedTuple):
    """One write of a company, normalized."""

    id: str | None
    uid: int | str | None
    properties: dict[str, Any]
    unset: list[str]
    ignored: list[str]

    @property
    def identified(self) -> bool:
        """Whether it names a company at all."""
        return self.id is not None or self.uid is not None


class UpsertedCompany(NamedTuple):
    """The answer to a write: which company, whether it is new, and which names were not settable."""

    id: str
    created: bool
    ignored: list[str]


def no_identifier_sentence(ordinal_of: int | None) -> str:
    """The product's sentence for a write that names no company (contract §10).

    `ordinal_of` is the one-based place of the item in its batch, None for a single write.
    """
    whom = "" if ordinal_of is None else f" for the {ordinal(ordinal_of)} item"
    return f"No identifier found{whom}. Pass your Company ID as the `uid` parameter"


def draft_company(sent: Mapping[str, object], at: int) -> CompanyDraft:
    """Normalize one write of a company; `at` is in unix milliseconds. Raises `Unprocessable`."""
    id_ = parse_id(sent)
    properties, unset, ignored = normalize(sent, at)
    if id_ is not None and "id" in ignored:
        ignored.remove("id")
    uid = properties.pop("uid", None)
    uid = None if uid is None else parse_new_uid(uid, whose="companies")
    for name in _MEMBERSHIP:
        if name in properties:
            del properties[name]
            ignored.append(name)
    if properties.get("email") == UNSET:
        del properties["email"]
        unset.append("email")
    elif "email" in properties:
        properties["email"] = parse_email(properties["email"])
    return CompanyDraft(id_, uid, properties, unset, ignored)


def company_event(node: Node, account: str, write: CompanyDraft, at: int) -> CompanyUpserted:
    """The event that says this write; `at` is in unix milliseconds.

    Raises `NotFound` for an id that is not there, `Conflict` where the uid is another company's.
    """
    id_, uid = write.id, write.uid
    if id_ is not None:
        company = _by_id(node, account, id_)
        if company is None:
            raise (
                NotFound(NO_COMPANY)
                if _by_uid(node, account, uid) is None
                else Conflict(CONTRADICTION)
            )
        if uid is not None and node.companies.id_of(account, uid) != company.id:
            raise Conflict(CONTRADICTION)
    else:
        assert uid is not None
        id_ = node.companies.id_of(account, uid)
    return CompanyUpserted(
        account=account, at=at, id=id_, uid=uid, properties=write.properties, unset=write.unset
    )


async def upsert_company(node: Node, account: str, sent: Mapping[str, object]) -> UpsertedCompany:
    """Write one company and wait until reads show it.

    Raises `Unprocessable`, `NotFound`, `Conflict`, `TooLarge`, `Unavailable`.
    """
    at = now()
    write = await beside(draft_company, sent, at)
    if not write.identified:
        raise Unprocessable(no_identifier_sentence(None))
    while True:
        (verdict,) = await node.company_log.write([company_event(node, account, write, at)])
        match verdict.outcome:
            case "created" | "updated":
                return UpsertedCompany(verdict.id, verdict.outcome == "created", write.ignored)
            case "too_large":
                raise Unprocessable(TOO_LARGE)
            case _:
                # Deleted at the same moment: its id is not there any more, its uid makes a new one.
                continue


def find_company(node: Node, account: str, given: Mapping[str, object]) -> Company:
    """The company that `id` and `uid` among the parameters name.

    Raises `Unprocessable` with neither, `NotFound` when unknown, `Conflict` when they do not agree.
    """
    id_, uid = parse_id(given), given.get("uid")
    uid = None if uid is None else parse_uid(uid)
    found: list[Company | None] = []
    if id_ is not None:
        found.append(_by_id(node, account, id_))
    if uid is not None:
        found.append(_by_uid(node, account, uid))
    if not found:
        raise Unprocessable(no_identifier_sentence(None))
    company = found[0]
    if found.count(company) < len(found):
        raise Conflict(CONTRADICTION)
    if company is None:
        raise NotFound(NO_COMPANY)
    return company


def _by_id(node: Node, account: str, id_: str) -> Company | None:
    return node.companies.get(id_, account) if is_id(id_) else None


def _by_uid(node: Node, account: str, uid: int | str | None) -> Company | None:
    return None if uid is None else node.companies.get(node.companies.id_of(account, uid), account)


class DeletedCompany(NamedTuple):
    """The deletion's id, whether all profiles have left, and with cascade the members who are forgotten already."""

    deletion: str
    settled: bool
    forgotten: list[ForgottenMember]


async def delete_company(
    node: Node, account: str, company: Company, *, cascade: bool
) -> DeletedCompany:
    """Delete the company, and wait for its profiles to leave, but not for longer than an answer may take.

    From the fold of the event on no read shows the company. Raises `NotFound`, `Unavailable`.
    """
    event = CompanyDeleted(
        account=account, at=now(), id=company.id, deletion=random_id(), cascade=cascade
    )
    (verdict,) = await node.company_log.write([event])
    deletion = node.companies.receipt(event.deletion, account)
    if verdict.outcome != "deleted" or deletion is None:
        raise NotFound(NO_COMPANY)
    left = await node.company_deletions.wait_left(deletion, SETTLE_SECONDS)
    return DeletedCompany(deletion.id, left.is_done, left.forgotten)


def show_company_receipt(node: Node, deletion: CompanyDeletion) -> dict[str, Any]:
    """The receipt of a company's deletion, in the form of contract §8."""
    tombstoned = deletion.tombstoned
    expected = deletion.at + int(node.deployment.purge_within * 1000)
    return {
        "id": deletion.id,
        "status": "accepted" if tombstoned is None else "tombstoned",
        "events": deletion.events if tombstoned is None else tombstoned.events,
        "requested_at": format_timestamp(deletion.at),
        "expected_by": format_timestamp(expected),
        "tombstoned_at": None if tombstoned is None else format_timestamp(tombstoned.at),
        "purged_at": None,
    }
