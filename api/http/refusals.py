"""Answers in the contract's shape to what reaches no handler (contract §2)."""

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

import httptools

from schemas.errors import ProfilelogError
from schemas.events import ENCODER

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""All methods that some path has."""


_METHOD: Final = re.compile(rb"[A-Za-z!#$%&'*+.^_`|~0-9-]{1,64}(?: |$)")


class Refusal(ProfilelogError):
    """A request that is refused before a handler is asked. The connection closes after the answer."""

    def __init__(self, status: int, message: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.headers = headers

    def encode(self, default_headers: Iterable[tuple[bytes, bytes]] = ()) -> bytes:
        """The whole HTTP answer."""
        body = error_body(self.status, self.message)
        lines = [
            b"HTTP/1.1 %d %b" % (self.status, HTTPStatus(self.status).phrase.encode()),
            *(b"%b: %b" % header for header in (*default_headers, *self.headers)),
            b"content-type: application/json",
            b"content-length: %d" % len(body),
            b"connection: close",
        ]
        return b"\r\n".join((*lines, b"", body))


def error_body(code: int, *messages: str) -> bytes:
    """The body of an error (contract §2)."""
    return ENCODER.encode({"code": code, "messages": messages})


def refusal_of(error: httptools.HttpParserError, data: bytes) -> Refusal:
    """What to answer where the parser stops; `data` is what it was given, where that holds one request alone."""
    cause = error.__context__
    if isinstance(cause, Refusal):
        return cause
    if isinstance(error, httptools.HttpParserInvalidMethodError) and _METHOD.match(data):
        return unknown_method()
    return malformed()


def malformed() -> Refusal:
    """What the parser cannot read as HTTP/1.1."""
    return Refusal(400, "The request is not HTTP/1.1 as this service reads it")


def unknown_method() -> Refusal:
    """A method that no path has; which path was asked is not known."""
    return Refusal(405, "No path has such a method", (b"allow", ", ".join(METHODS).encode()))


def url_too_long(most: int) -> Refusal:
    """A URL that leaves no room for the headers in `most` bytes."""
    return Refusal(414, f"The URL is too long: with the headers it must be at most {most} bytes")


def path_too_long(most: int) -> Refusal:
    """More than `most` bytes before the query."""
    return Refusal(414, f"The path must be at most {most} bytes")


def head_too_large(most: int) -> Refusal:
    """More than `most` bytes before the body."""
    return Refusal(431, f"The request line and the headers must be at most {most} bytes together")


def framing_too_large(most: int) -> Refusal:
    """Chunk extensions or trailers without end."""
    return Refusal(431, f"Chunk extensions and trailers must be at most {most} bytes together")


def too_slow(what: str) -> Refusal:
    """`what` did not come in time."""
    return Refusal(408, f"{what} took too long to arrive")


def no_room() -> Refusal:
    """No descriptor is left for another connection."""
    return Refusal(503, "Too many connections are open, try again", (b"retry-after", b"1"))
