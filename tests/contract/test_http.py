"""HTTP itself: methods, what ordinary clients send beside a request, and refusals that arrive (contract §2)."""

import http.client
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Generator
from typing import Final
from urllib.parse import urlsplit

import httpx
import pytest

from tests.contract.expectations import BATCH_TOO_LARGE, assert_error
from tests.support.service import (
    BATCH,
    MAX_STREAMS,
    PROFILE,
    UPSERT,
    Account,
    Service,
    eventually,
    marked,
)

MIB: Final = 1 << 20
CHANGES: Final = "/v3/observe/changes"


@pytest.fixture
def connection(service: Service) -> Generator[socket.socket]:
    """A connection to the service."""
    parts = urlsplit(service.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as made:
        yield made


def answer_on(
    connection: socket.socket, method: str = "GET"
) -> tuple[int, http.client.HTTPMessage, bytes]:
    """The next answer on a connection that is used once."""
    answer = http.client.HTTPResponse(connection, method=method)
    answer.begin()
    return answer.status, answer.headers, answer.read()


# --- HEAD, OPTIONS and methods that a path has not


@pytest.mark.parametrize(
    "path",
    ["/health", "/ready", "/", "/nothing", "/schema/openapi.json", "/v3/analyze/profiles", PROFILE],
)
def test_head_is_get_without_a_body(account: Account, service: Service, path: str) -> None:
    http, secret = service.http, {"X-Account-Secret": account.secret}

    def unchanged() -> tuple[httpx.Response, httpx.Response] | None:
        """Asked of one node, while what a GET shows does not change."""
        before, headed, after = (
            http.request(method, path, headers=secret) for method in ("GET", "HEAD", "GET")
        )
        return (before, headed) if before.content == after.content else None

    got, headed = eventually(unchanged)

    assert headed.status_code == got.status_code
    assert headed.content == b""
    for headers in (got.headers, headed.headers):
        headers.pop("date")
    assert headed.headers == got.headers
    assert http.get("/health").status_code == 200  # on the same connection


def test_head_of_a_stream_or_an_export_begins_none(account: Account, uid: str) -> None:
    id_ = account.known(uid=uid)

    for path, kind in (
        (CHANGES, "text/event-stream"),
        (f"/v3/analyze/profiles/{id_}/export", "application/json"),
    ):
        for _ in range(MAX_STREAMS + 1):
            answer = account.http.head(path)
            assert answer.status_code == 200
            assert answer.headers["content-type"] == kind
    assert_error(account.http.get(f"{CHANGES}?from=nowhere"), 422)
    assert account.http.head(f"{CHANGES}?from=nowhere").status_code == 422


def test_head_without_a_secret_is_403(service: Service) -> None:
    assert service.http.head(CHANGES).status_code == 403


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/health", "GET, HEAD, OPTIONS"),
        (UPSERT, "POST, OPTIONS"),
        ("/v3/analyze/profiles", "GET, POST, HEAD, OPTIONS"),
        ("/v3/edit/profiles/0123456789abcdef01234567", "DELETE, OPTIONS"),
        ("/v3/edit/properties", "GET, POST, HEAD, OPTIONS"),
    ],
)
def test_a_method_that_a_path_has_not_is_405_with_those_that_it_has(
    service: Service, path: str, allowed: str
) -> None:
    for method in ("PROPFIND", "TRACE", "PATCH", "LOCK"):
        answer = service.http.request(method, path)

        assert_error(answer, 405)
        assert answer.headers["allow"] == allowed
    asked = service.http.options(path)
    assert (asked.status_code, asked.content) == (204, b"")
    assert asked.headers["allow"] == allowed
    assert_error(service.http.options(f"{path}/x/y/z"), 404)


def test_a_method_that_nobody_knows_is_405(service: Service) -> None:
    answer = service.http.request("FETCH", "/health")

    assert_error(answer, 405)
    assert "GET" in answer.headers["allow"]


def test_what_is_no_http_is_400_in_the_contracts_shape(connection: socket.socket) -> None:
    connection.sendall(b"GET /\x80 HTTP/1.1\r\nHost: x\r\n\r\n")

    status, headers, body = answer_on(connection)

    assert (status, headers["content-type"]) == (400, "application/json")
    assert json.loads(body)["code"] == 400


@pytest.mark.parametrize("path", [PROFILE, "/health"])
def test_a_host_that_is_none_is_400(account: Account, path: str) -> None:
    assert_error(account.http.get(path, headers={"Host": "a/b"}), 400)


# --- before a secret is known to be good, nothing is taken that is large


@pytest.mark.parametrize(
    ("start", "code"),
    [
        (b"GET /", 414),
        (b"GET /?", 414),
        (b"GET / HTTP/1.1\r\nX-Account-Secret: ", 431),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;", 431),
    ],
)
def test_a_head_without_end_is_refused(connection: socket.socket, start: bytes, code: int) -> None:
    connection.sendall(start + b"x" * 8 * MIB)

    status, headers, body = answer_on(connection)

    assert (status, headers["connection"]) == (code, "close")
    assert json.loads(body)["code"] == code


def test_a_million_headers_are_refused(connection: socket.socket) -> None:
    connection.sendall(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 1_000_000)

    assert answer_on(connection)[0] == 431


# --- offers of another protocol


@pytest.mark.parametrize("offer", ["h2c", "websocket"])
def test_a_write_that_offers_another_protocol_is_taken(
    connection: socket.socket, account: Account, uid: str, offer: str
) -> None:
    body = json.dumps({"uid": uid, "plan": "gold"}).encode()
    head = (
        f"POST {UPSERT} HTTP/1.1\r\nHost: x\r\nX-Account-Secret: {account.secret}\r\n"
        f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {offer}\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()

    connection.sendall(head)
    connection.sendall(body)

    assert answer_on(connection)[0] == 201
    assert account.profile(uid=uid)["plan"] == "gold"


# --- refusals arrive


@pytest.mark.parametrize(
    ("path", "size", "secret", "code"),
    [(BATCH, 20 * MIB, True, 413), (BATCH, 12 * MIB, False, 403), ("/none", 5 * MIB, True, 404)],
)
@pytest.mark.parametrize("close", [True, False])
def test_a_client_that_sends_its_whole_body_first_gets_the_refusal(
    service: Service, account: Account, path: str, size: int, secret: bool, code: int, close: bool
) -> None:
    parts = urlsplit(service.url)
    headers = {"X-Account-Secret": account.secret if secret else marked("secret")}
    if close:
        headers["Connection"] = "close"
    client = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)

    client.request("POST", path, b" " * size, headers)
    answer = client.getresponse()

    assert answer.status == code
    assert json.loads(answer.read())["code"] == code
    client.close()


def test_urllib_is_told_that_a_batch_is_too_large(service: Service, account: Account) -> None:
    request = urllib.request.Request(  # noqa: S310 - http
        service.url + BATCH, b" " * 20 * MIB, {"X-Account-Secret": account.secret}
    )
    for _ in range(3):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)  # noqa: S310 - http
        with refused.value as answer:
            assert json.load(answer) == BATCH_TOO_LARGE


def test_who_asks_before_sending_is_refused_without_sending(
    connection: socket.socket, service: Service
) -> None:
    connection.sendall(
        f"POST {BATCH} HTTP/1.1\r\nHost: x\r\nX-Account-Secret: {marked('secret')}\r\n"
        "Expect: 100-continue\r\nContent-Length: 100\r\n\r\n".encode()
    )

    status, headers, body = answer_on(connection)

    assert (status, headers["connection"]) == (403, "close")
    assert json.loads(body)["code"] == 403
    assert service.http.get("/health").status_code == 200
