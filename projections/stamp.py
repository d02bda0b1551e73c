"""Which record of the log is folded, and when its event happened: what every row that a fold leaves is marked with."""

import msgspec


class Stamp(msgspec.Struct, frozen=True, gc=False):
    """The record's key and offset, and the event's own time in unix milliseconds."""

    key: bytes
    offset: int
    at: int
