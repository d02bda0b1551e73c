"""Offers of another protocol, which the service passes over (contract §2, RFC 9110 §7.8).

The parser stops at such a request and takes its body for the other protocol. So the request's head is written again
without the offer, and read by a fresh parser, which then reads the body as it stands: framed by the same
`Content-Length` or `Transfer-Encoding`, with the same checks of these.
"""

from collections.abc import Iterable
from typing import Final

_OFFER: Final = frozenset({b"upgrade", b"http2-settings"})


def head_without_offer(
    method: bytes, url: bytes, version: str, headers: Iterable[tuple[bytes, bytes]]
) -> bytes:
    """The head of a request, its header names in lower case, without what offers another protocol."""
    lines = [b"%b %b HTTP/%b" % (method, url, version.encode())]
    for name, value in headers:
        if name == b"connection":
            kept = [each for each in value.split(b",") if each.strip().lower() not in _OFFER]
            if kept:
                lines.append(b"connection: %b" % b",".join(kept).strip())
        elif name not in _OFFER:
            lines.append(b"%b: %b" % (name, value))
    return b"\r\n".join((*lines, b"", b""))
