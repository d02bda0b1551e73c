"""Rule 2: a profile whose email changes withdraws its claim and makes another."""

from projections import outbox
from projections.profile import Profile
from projections.stamp import Stamp
from projections.working_set import WorkingSet
from schemas import identity
from schemas.events import EmailClaimed, encode
from schemas.identifiers import fold_email
from schemas.identity import Identity


def change(
    state: WorkingSet,
    profile: Profile,
    before: str | None,
    account: str,
    stamp: Stamp,
    identity_: Identity,
) -> None:
    """The document has another email than `before`: claim it, unless it is the same one but for its case."""
    after = profile.document.get("email")
    if before is not None and after is not None and fold_email(before) == fold_email(after):
        return
    withdraw(state, profile, before, stamp, identity_)
    if after is None:
        return
    claim = identity.claim_made_by(stamp.key)
    email = identity_.email_hash(account, after)
    profile.header.claim = claim
    if state.publishes(stamp.offset):
        value = encode(EmailClaimed(account, stamp.at, email.hex(), profile.id))
        partition = identity_.partition_of_hash(email)
        state.emit_claim(stamp.offset, outbox.Claim(partition, claim, value))


def withdraw(
    state: WorkingSet, profile: Profile, email: str | None, stamp: Stamp, identity_: Identity
) -> list[tuple[int, bytes]]:
    """Withdraw the profile's claim; returns its key, where there is one, and in which partitions it may be."""
    claim = profile.header.claim
    if claim is None or email is None:
        return []
    # Where the claim was made under a former hash, it stands in the partition of that one.
    hashes = identity_.email_hashes(profile.header.account, email)
    partitions = dict.fromkeys(map(identity_.partition_of_hash, hashes))
    for partition in partitions:
        state.emit_claim(stamp.offset, outbox.Withdrawal(partition, claim))
    profile.header.claim = None
    return [(partition, claim) for partition in partitions]
