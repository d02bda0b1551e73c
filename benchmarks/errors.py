"""What can keep a figure from being measured.

BenchmarkError
├── NotInstalledError    what the system or the load needs is not on this machine
├── StartError           the system did not become ready
├── NothingAlikeError    the system does nothing of the kind
└── MeasureError         it answered something that would make the figure a lie
"""


class BenchmarkError(Exception):
    """A cell of the table stays without a figure; `short` is what the cell shows instead."""

    short = "failed"


class NotInstalledError(BenchmarkError):
    """The text names what to install."""

    short = "not installed"


class StartError(BenchmarkError):
    """The text holds the last line that the process logged."""

    short = "failed to start"


class NothingAlikeError(BenchmarkError):
    """The text says what it is that the system does not do."""

    short = "—"


class MeasureError(BenchmarkError):
    """The text says what was answered instead of what the figure counts."""
