"""Requests of users that another node has sent on: they show the key, and go no further."""

import hmac

from litestar.types import HTTPScope

from streams.cluster.peers import DOOR_KEY_HEADER

_HEADER = DOOR_KEY_HEADER.encode()


def shows_key(scope: HTTPScope, key: str) -> bool:
    """Whether a node of this deployment sent the request."""
    shown = next((value for name, value in scope["headers"] if name == _HEADER), None)
    return shown is not None and hmac.compare_digest(shown, key.encode())
