"""Claims of emails from before emails were composed (design "Email index").

Such a claim stands under the hash of the email's former form, so a claim of the same email that is made today does not
meet it in the index, and nothing would take the email from its former holder.
"""

from api.commands.addressing import anywhere_by_email
from api.commands.drafting import Draft
from schemas.events import EmailReleased
from schemas.identity import event_key
from streams.clock import now
from streams.cluster.operations import HolderOf
from streams.node import Node


async def release_former_holder(node: Node, account: str, write: Draft) -> None:
    """Take the email that a write claims from its holder by a former claim, if another profile is.

    Raises `Unavailable`.
    """
    email = write.properties.get("email")
    if email is None or email.isascii() or write.by_email:
        return
    holder = await anywhere_by_email(node, account, email)
    if holder is None or holder.header.claim is None or holder.id == write.id:
        return
    identity = node.identity
    if write.uid is not None and holder.user == identity.uid_hash(account, write.uid):
        return
    digest = identity.email_hash(account, email)
    current = await node.cluster.read(HolderOf(identity.partition_of_hash(digest), digest))
    if current == holder.id:
        return
    event = EmailReleased(
        account=account,
        at=now(),
        id=holder.id,
        claim=holder.header.claim.decode(),
        by=event_key().decode(),
    )
    await node.write(identity.partition_of_id(holder.id), event)
