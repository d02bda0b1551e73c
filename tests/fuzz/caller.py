"""One request at a time to the real service, and what has to hold of each answer."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from tests.fuzz.encodings import PLAIN, Encoding
from tests.fuzz.pieces import EMPTY, Pieces
from tests.fuzz.watch import HealthWatch
from tests.support.account_log import AccountLog
from tests.support.service import Account, Service

ANSWER_SECONDS: Final = 20.0
"""The longest that a request may take, on a busy machine too."""
_ATTEMPTS: Final = 3
_NOISE: Final = 3  # times what /health takes beside nothing


@dataclass(frozen=True, slots=True)
class Sent:
    """A request. `target` is the path and the query as they stand in the request line."""

    method: str
    target: str
    body: Pieces = EMPTY
    encoding: Encoding = PLAIN
    headers: tuple[tuple[str, str], ...] = ()


class Caller:
    """An account of a running service, asked by a fuzz target.

    `health_seconds` is the longest that /health may take beside a request.
    """

    def __init__(
        self,
        service: Service,
        account: Account,
        log: AccountLog,
        watch: HealthWatch,
        health_seconds: float,
    ) -> None:
        self.account = account
        self.service = service
        self._log = log
        self._watch = watch
        self._health_seconds = health_seconds
        self._http = httpx.Client(
            base_url=service.url,
            headers={"X-Account-Secret": account.secret},
            timeout=httpx.Timeout(ANSWER_SECONDS),
        )

    def close(self) -> None:
        self._http.close()

    def ask(self, sent: Sent) -> tuple[httpx.Response, Counter[str]]:
        """The answer, and the events of the account that the log has taken meanwhile, by type.

        AssertionError for an answer that does not come, is a failure of the service or has not the form of one
        (contract §2), and where /health had to wait, three times, and not for the machine alone.
        """
        waits: list[float] = []
        while True:
            answer, waited = self._send(sent)
            if waited <= self._health_seconds:
                break
            if waited <= self._health_seconds + _NOISE * self._watch.idle():
                break
            waits.append(waited)
            assert len(waits) < _ATTEMPTS, f"/health waited each time, seconds: {waits}"
        taken = self._log.taken()
        check_form(answer)
        return answer, taken

    def taken(self) -> Counter[str]:
        """The events that the log has taken since the last request, or the last call, by type."""
        return self._log.taken()

    def _send(self, sent: Sent) -> tuple[httpx.Response, float]:
        """The answer, and how long /health took at most beside it, in seconds."""
        self._log.taken()
        self._watch.begin()
        request = self._http.build_request(
            sent.method,
            urlsplit(sent.target).path,
            content=sent.encoding.applied(sent.body.joined()) if sent.body.parts else None,
            headers=_headers(sent),
            extensions={"target": sent.target.encode("ascii")},
        )
        request.extensions["timeout"] = self._http.timeout.as_dict()
        try:
            answer = self._http.send(request)
        except httpx.TransportError as error:
            raise AssertionError(f"no answer: {type(error).__name__} {error}") from error
        return answer, self._watch.worst()


def _headers(sent: Sent) -> list[tuple[bytes, bytes]]:
    encoding = [("Content-Encoding", sent.encoding.label)] if sent.encoding.label else []
    return [(name.encode(), value.encode("latin-1")) for name, value in (*sent.headers, *encoding)]


def check_form(answer: httpx.Response) -> None:
    """An answer of the contract's form: never a failure, and an error says its code and why (contract §2)."""
    assert answer.status_code < 500, f"{answer.status_code}: {answer.text[:500]}"
    if answer.status_code >= 400:
        said: dict[str, Any] = answer.json()
        assert said["code"] == answer.status_code
        assert all(isinstance(message, str) and message for message in said["messages"])
        assert said["messages"]
