"""Streams of changes: what `profiles` gets, handed on to who listens (contract §13)."""

from streams.observe.hub import ChangeHub
from streams.observe.listener import Ended, Listener, TooSlow
from streams.observe.record import FORGOTTEN, ChangeRecord

__all__ = ["FORGOTTEN", "ChangeHub", "ChangeRecord", "Ended", "Listener", "TooSlow"]
