"""What is measured at each size."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.measures import Measure


@dataclass(frozen=True)
class Quantity:
    """`name` is for files, `unit` what the figures count, as a `Measure`'s.

    With `spread` a plot's axis is logarithmic.
    """

    name: str
    title: str
    unit: str
    spread: bool = False

    def measure(self, size: int) -> Measure:
        return Measure(f"{self.title}: {size:,} profiles", self.unit)


# In the order in which `growth.work` measures them.
QUANTITIES = (
    Quantity("batches", "batches until readable, each profile", "us"),
    Quantity("memory", "memory of the service behind the batches", "MiB"),
    Quantity("store-memory", "memory of Kafka / of PostgreSQL behind the batches", "MiB"),
    Quantity("state", "state and indexes on the disk", "MiB", spread=True),
    Quantity("log", "log on the disk", "MiB", spread=True),
    Quantity("count", "count of those with one plan of four", "ms", spread=True),
    Quantity("page", "first page of 50 with one plan of four", "ms", spread=True),
    Quantity("reads", "reads by uid, 16 connections", "/s"),
    Quantity("upserts", "single upserts, 16 connections", "/s"),
    Quantity("restart", "start again after kill -9 of everything", "s"),
)


def growth_measures(sizes: Sequence[int]) -> list[Measure]:
    """The rows of the table, those of a quantity together."""
    return [quantity.measure(size) for quantity in QUANTITIES for size in sizes]
