"""What the state of a partition says of the log that it was folded from."""

from projections.email_index import EMAIL_LAYOUT
from projections.partition import LAYOUT, Origin
from schemas.identity import Identity
from streams.log.topics import LogMarker, Topics


def origin_of(
    marker: LogMarker, topics: Topics, identity: Identity, topic: str, partition: int
) -> Origin:
    """The origin of a partition of ``profile-events`` or ``profile-emails``, in this version's layout."""
    layout = LAYOUT if topic == topics.events else EMAIL_LAYOUT
    return Origin(marker.log, topic, partition, topics.partitions, identity.fingerprint, layout)
