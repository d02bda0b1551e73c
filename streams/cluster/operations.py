"""What nodes ask each other, beside whole requests: each a message, and what it is answered with.

`OPERATIONS` names them all; a node that does not know one answers that it is of another version.
"""

from typing import ClassVar, Final, Generic, TypeVar

import msgspec

from projections.batches import Batch
from projections.fold.verdict import Verdict
from projections.profile import StoredProfile
from projections.repeats import First, Opened

WAIT_SECONDS: Final = 2.0
"""How long the owner lets an operation wait that waits."""

SEARCH_SECONDS: Final = 30.0
"""How long a node may search."""

Answered = TypeVar("Answered")


class Question(msgspec.Struct, Generic[Answered], frozen=True, tag=True, array_like=True):
    """What a node asks another."""

    answer: ClassVar[object]
    """The type of the answer."""
    seconds: ClassVar[float | None] = 1.0
    """How long the answer may take; None: as long as a write may."""


class Operation(Question[Answered], Generic[Answered], frozen=True, tag=True, array_like=True):
    """Of one partition: it is asked of the owner."""

    partition: int
    on_emails: ClassVar[bool] = False
    """Whether the partition is one of ``profile-emails``, and not of ``profile-events``."""
    writes: ClassVar[bool] = False
    """Whether it changes something: then it is not asked twice when the first may have been done."""


class FoldedTo(Operation[int], frozen=True, tag=True, array_like=True):
    """Waits until the partition is folded up to the offset, or a while; how far it is folded."""

    offset: int
    seconds: ClassVar[float | None] = 2 * WAIT_SECONDS
    answer: ClassVar[object] = int


class ClaimsSettled(Operation[bool], frozen=True, tag=True, array_like=True):
    """Waits until claims, none behind the offset, have settled, or a while; whether they have."""

    offset: int
    claims: list[bytes]
    on_emails: ClassVar[bool] = True
    seconds: ClassVar[float | None] = 2 * WAIT_SECONDS
    answer: ClassVar[object] = bool


class IndexSettled(Operation[bool], frozen=True, tag=True, array_like=True):
    """Waits until the partition is folded to the end and has released what it had to then, or a while; whether so."""

    end: int
    on_emails: ClassVar[bool] = True
    seconds: ClassVar[float | None] = 2 * WAIT_SECONDS
    answer: ClassVar[object] = bool


class HolderOf(Operation[str | None], frozen=True, tag=True, array_like=True):
    """The id of the profile that an email, by its keyed hash, leads to."""

    email: bytes
    on_emails: ClassVar[bool] = True
    answer: ClassVar[object] = str | None


class ShownTo(Operation[bool], frozen=True, tag=True, array_like=True):
    """Waits until every read shows the log up to the offset, or a while; whether it does."""

    offset: int
    seconds: ClassVar[float | None] = 2 * WAIT_SECONDS
    answer: ClassVar[object] = bool


class ReadProfile(Operation[StoredProfile | None], frozen=True, tag=True, array_like=True):
    """A profile of an account, by its id or else by its user, the keyed hash of its uid."""

    account: str
    id: str | None = None
    user: bytes = b""
    answer: ClassVar[object] = StoredProfile | None


class Attempt(msgspec.Struct, frozen=True, array_like=True):
    """What a partition knows of an idempotency id."""

    is_refused: bool
    first: First | None
    opened: Opened | None


class AttemptOf(Operation[Attempt], frozen=True, tag=True, array_like=True):
    """What is known at a time of an idempotency id, and of the batch with this id, if one is named."""

    repeat: str
    batch: str
    at: int
    answer: ClassVar[object] = Attempt


class Shows(Operation[bool], frozen=True, tag=True, array_like=True):
    """Whether every read shows the log up to the offset."""

    offset: int
    answer: ClassVar[object] = bool


class BatchOf(Operation[Batch | None], frozen=True, tag=True, array_like=True):
    """A batch of an account."""

    account: str
    batch: str
    answer: ClassVar[object] = Batch | None


class WriteEvent(Operation[Verdict], frozen=True, tag=True, array_like=True):
    """Appends an event, encoded, under a key; the verdict of its fold, once every read shows it."""

    key: bytes
    value: bytes
    writes: ClassVar[bool] = True
    seconds: ClassVar[float | None] = None
    answer: ClassVar[object] = Verdict


class EventKeyOf(Operation[bytes | None], frozen=True, tag=True, array_like=True):
    """The key of the record at an offset, if it is about this profile."""

    id: str
    offset: int
    answer: ClassVar[object] = bytes | None


class ForgottenAt(msgspec.Struct, frozen=True, array_like=True):
    """A forget that is folded: the id of its deletion, and where its event stands."""

    deletion: str
    offset: int


class ForgetProfile(Operation[ForgottenAt | None], frozen=True, tag=True, array_like=True):
    """Forgets a profile of an account; None where there is none."""

    account: str
    id: str
    writes: ClassVar[bool] = True
    seconds: ClassVar[float | None] = None
    answer: ClassVar[object] = ForgottenAt | None


class GoneProfiles(Operation[list[str]], frozen=True, tag=True, array_like=True):
    """Who of some profiles of an account is not shown any more."""

    account: str
    ids: list[str]
    answer: ClassVar[object] = list[str]


class MembersLeft(Operation[list[tuple[str, str]] | None], frozen=True, tag=True, array_like=True):
    """Waits until nobody is a member of a deleted company, or a while; then the members who were forgotten."""

    deletion: str
    number: int
    seconds: ClassVar[float | None] = 2 * WAIT_SECONDS
    answer: ClassVar[object] = list[tuple[str, str]] | None


class EraseClaims(Operation[bool], frozen=True, tag=True, array_like=True):
    """Compacts the partition; whether nothing is left of these claims in its files."""

    claims: list[bytes]
    on_emails: ClassVar[bool] = True
    seconds: ClassVar[float | None] = 60.0
    answer: ClassVar[object] = bool


class DeletionTime(Operation[int | None], frozen=True, tag=True, array_like=True):
    """When a deletion of an account was requested, in unix milliseconds; None for one that is not there."""

    account: str
    deletion: str
    answer: ClassVar[object] = int | None


# --- of all partitions that a node owns


class FoundPage(msgspec.Struct, frozen=True, array_like=True):
    """The first profiles that a search finds among those of some `partitions`, in order.

    Each with its creation, its id and the JSON that is shown of it; and whether there are more behind them.
    """

    partitions: list[int]
    found: list[tuple[int, str, bytes]]
    has_more: bool


class SearchPage(Question[FoundPage], frozen=True, tag=True, array_like=True):
    """A page of a search: its `parameters`, as JSON, read at a time; both edges are (creation, id or None)."""

    account: str
    parameters: bytes
    at: int
    before: tuple[int, str | None] | None
    after: tuple[int, str | None] | None
    seconds: ClassVar[float | None] = SEARCH_SECONDS
    answer: ClassVar[object] = FoundPage


class Counted(msgspec.Struct, frozen=True, array_like=True):
    """A number of profiles of some `partitions`."""

    partitions: list[int]
    count: int


class CountProfiles(Question[Counted], frozen=True, tag=True, array_like=True):
    """The count that a search as `SearchPage` has it would lead to."""

    account: str
    parameters: bytes
    at: int
    before: tuple[int, str | None] | None
    after: tuple[int, str | None] | None
    seconds: ClassVar[float | None] = SEARCH_SECONDS
    answer: ClassVar[object] = Counted


class Names(msgspec.Struct, frozen=True, array_like=True):
    """Names that profiles of some `partitions` have."""

    partitions: list[int]
    names: list[str]


class PropertyNames(Question[Names], frozen=True, tag=True, array_like=True):
    """The names of all properties of an account's profiles."""

    account: str
    seconds: ClassVar[float | None] = SEARCH_SECONDS
    answer: ClassVar[object] = Names


class Surveyed(msgspec.Struct, frozen=True, array_like=True):
    """What profiles of some `partitions` show of properties: those that were seen, as JSON of `SeenRow`."""

    partitions: list[int]
    seen: bytes


class SurveyProperties(Question[Surveyed], frozen=True, tag=True, array_like=True):
    """What an account's profiles show of some properties."""

    account: str
    names: list[str]
    seconds: ClassVar[float | None] = SEARCH_SECONDS
    answer: ClassVar[object] = Surveyed


class EventsTracked(msgspec.Struct, frozen=True, array_like=True):
    """Names of events that were tracked of profiles of some `partitions`, each with when last, in unix milliseconds."""

    partitions: list[int]
    events: list[tuple[str, int | None]]


class TrackedEvents(Question[EventsTracked], frozen=True, tag=True, array_like=True):
    """The first names of tracked events of an account behind a name, at most so many."""

    account: str
    behind: str
    limit: int
    seconds: ClassVar[float | None] = SEARCH_SECONDS
    answer: ClassVar[object] = EventsTracked


class WhoAreYou(Question[str], frozen=True, tag=True, array_like=True):
    """The id of the node that answers at an URL."""

    answer: ClassVar[object] = str


class CompaniesFoldedTo(Question[bool], frozen=True, tag=True, array_like=True):
    """Waits until the companies are folded up to the offset of their log, or a while; whether they are."""

    offset: int
    seconds: ClassVar[float | None] = 2 * WAIT_SECONDS
    answer: ClassVar[object] = bool


class Listed(msgspec.Struct, frozen=True, array_like=True):
    """The first deletions of a list among those of some `partitions`: their keys in it, and the JSON of each."""

    partitions: list[int]
    deletions: list[tuple[bytes, bytes]]


class ListDeletions(Question[Listed], frozen=True, tag=True, array_like=True):
    """Deletions of an account between two keys of the list, at most so many."""

    account: str
    before: bytes | None
    after: bytes | None
    limit: int
    seconds: ClassVar[float | None] = SEARCH_SECONDS
    answer: ClassVar[object] = Listed


OfState = HolderOf | Shows | ReadProfile | AttemptOf | BatchOf | EventKeyOf | DeletionTime
"""What the owner reads at once."""

OfPartition = OfState | FoldedTo | ClaimsSettled | IndexSettled | ShownTo
OPERATIONS = (
    OfPartition
    | SearchPage
    | CountProfiles
    | PropertyNames
    | SurveyProperties
    | WriteEvent
    | ForgetProfile
    | GoneProfiles
    | EraseClaims
    | MembersLeft
    | CompaniesFoldedTo
    | WhoAreYou
    | TrackedEvents
    | ListDeletions
)
