"""The purge: from tombstones that are out to `deletion-purged`, which says that no byte is left (`cycle`)."""

from streams.purge.cycle import Purge

__all__ = ["Purge"]
