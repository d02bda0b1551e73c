"""What a row of the table is called and what its figures count."""

from dataclasses import dataclass

from benchmarks.errors import BenchmarkError

Figure = float | BenchmarkError


@dataclass(frozen=True)
class Measure:
    """One row. `unit` is what its figures count; a rate is better high, all else better low."""

    title: str
    unit: str

    @property
    def is_rate(self) -> bool:
        return self.unit == "/s"
