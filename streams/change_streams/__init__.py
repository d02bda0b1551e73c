"""Streams of changes: what `profiles` gets, handed on to who listens (contract §13)."""

from streams.change_streams.change_record import FORGOTTEN, ChangeRecord
from streams.change_streams.hub import ChangeHub
from streams.change_streams.listener import Ended, Listener, TooSlow

__all__ = ["FORGOTTEN", "ChangeHub", "ChangeRecord", "Ended", "Listener", "TooSlow"]
