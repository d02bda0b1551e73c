"""A partition of ``profile-emails`` that this node owns."""

from collections.abc import Sequence

from projections.email_index import EmailState
from projections.partition import Record
from streams.partition.relay_loop import RelayLoop
from streams.partition.runtime import Effects, PartitionRuntime


class EmailPartition(PartitionRuntime):
    """Folds claims into `emails`, its state."""

    def __init__(self, emails: EmailState, relay: RelayLoop, effects: Effects) -> None:
        super().__init__(emails, relay, effects)
        self.emails = emails

    def fold_slice(self, records: Sequence[Record]) -> None:
        """Folds claims and reports them to the settlement; the release of a lost claim is urgent."""
        emails = self.emails
        urgent = self._effects.writes.report_claims(emails.partition, emails.apply(records))
        self.relay.notify(emails.applied, urgent=urgent)
