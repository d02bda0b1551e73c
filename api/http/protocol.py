"""uvicorn's HTTP protocol with the contract's limits and refusals (contract §2).

A connection is, in turn:

1. *Idle*: no request, or none whose head is complete. It is in `crowd.idle`.
2. *Receiving*: a head is complete, and the body is not. What the client sends is bounded in size and must move.
3. *Answering*: the client has to take what is written.
4. *Draining*: the answer has left before the body was read. The rest is discarded: a client that still sends when the
   connection closes would get a reset in place of the answer.

Nothing is timed for each request: `sweep` visits every connection once a second, and an age counts sweeps. So a loop
that was held up for long ends no connection whose bytes wait to be read.
"""

import asyncio
import urllib.parse
from typing import Any, Final, cast

import httptools
from uvicorn import Config

from api.http import refusals
from api.http.connection import EXTENSION, Connection
from api.http.crowd import Crowd
from api.http.cycle import Cycle
from api.http.joined_writes import JoinedWrites
from api.http.limits import Limits
from api.http.pace import Pace
from api.http.refusals import Refusal, refusal_of
from api.http.upgrades import head_without_offer
from private_names.of_uvicorn import (
    HIGH_WATER_LIMIT,
    ASGI3Application,
    ServerState,
    UvicornProtocol,
)

# So much is parsed at once: no more requests than fit in it wait behind one that runs.
_SLICE: Final = 8 << 10
# A chunk of one byte takes six.
_FRAMING_PER_BYTE: Final = 8


class HttpProtocol(UvicornProtocol):
    """A connection; for `uvicorn.Config(http=…)` where the defaults will do.

    `limits` bound it; it enters itself into `crowd`, whose `open` whoever accepts it has counted up.
    """

    cycle: Cycle | None

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: Limits | None = None,
        crowd: Crowd | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._handlers = cast("ASGI3Application", self.app)  # pyright: ignore[reportUnknownMemberType]
        self._limits = limits or Limits()
        self._crowd = crowd or Crowd()
        self._age = 0  # sweeps since the connection came to be what it is now
        self._in_head = False
        self._fed = 0  # bytes of the request that the parser was given, and at most a slice more
        self._slice = 0
        self._held = b""  # what waits for the requests before it
        self._refusal: Refusal | None = None  # answered when the requests before it are
        self._deaf = False  # what comes is discarded
        self._ends = False  # closes when all is answered
        self._left = False
        self._discarded = 0
        self._unsent = 0
        self._stalled = 0  # sweeps since the client took something

    # ---------------------------------------------------------------- the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._raw = transport
        self._lost = asyncio.Event()
        joined = JoinedWrites(transport, self.loop, self._end)
        super().connection_made(joined)
        connection: dict[object, object] = {
            "connection": Connection(transport, self.flow, self._lost)
        }
        self._extensions = {EXTENSION: connection}
        self._crowd.idle[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost.set()
        self._deaf = True
        self._held = b""
        self._leave()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # pyright: ignore[reportIncompatibleMethodOverride] - asyncio's
        """The client sends no more: what it has asked is still answered, but for a stream, which ends."""
        self._lost.set()
        cycle = self.cycle
        self._ends = cycle is not None and not cycle.response_complete and not cycle.more_body
        if not self._ends:
            self.transport.close()  # which sends first what was written in this turn of the loop
        return self._ends

    def give_way(self) -> None:
        """Close the connection, for another is to have its descriptor."""
        self._deaf = True
        self._leave()
        self._raw.abort()

    def _leave(self) -> None:
        if not self._left:
            self._left = True
            self._crowd.open -= 1
            self._crowd.idle.pop(self, None)

    def _end(self) -> None:
        """Close, but hear a client out that still sends: a reset would take the answer from it."""
        self._deaf = True
        self._crowd.idle.pop(self, None)
        sends = self._refusal is not None or (self.cycle is not None and self.cycle.more_body)
        if sends and not self._raw.is_closing():
            self._age = 0
            self._held = b""
            self.flow.resume_reading()
            self._raw.write_eof()
        else:
            self._raw.close()

    def _discard(self, size: int) -> None:
        self._discarded += size
        if self._discarded > self._limits.drain_bytes:
            if self._deaf:
                self._raw.abort()
            else:
                self.transport.close()

    # ---------------------------------------------------------------- what comes

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            self._discard(len(data))
        elif self._held or self.pipeline:
            self._held += data
            self.flow.pause_reading()
        elif len(data) <= _SLICE:
            self._feed(data)
        else:
            self._feed_slices(data)

    def _feed_slices(self, data: bytes) -> None:
        start = 0
        while start < len(data) and not self._deaf and not self.pipeline:
            self._feed(data[start : start + _SLICE])
            start += _SLICE
        self._held = b"" if self._deaf else data[start:]

    def _feed(self, data: bytes) -> None:
        self._slice = len(data)
        self._fed += self._slice
        before = self.cycle
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._pass_over(data[offer.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse(refusal_of(error, data if self.cycle is before else b""))
        else:
            if self._fed > self._limits.head_bytes + _SLICE:
                self._check_framing()

    def _pass_over(self, rest: bytes) -> None:
        """Read a request that offers another protocol as one that does not."""
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(refusals.unknown_method())
            return
        head = head_without_offer(method, self.url, self.parser.get_http_version(), self.headers)
        self.parser = httptools.HttpRequestParser(self)
        # As uvicorn has it: what comes behind `Connection: close` is no error of the request before it.
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._feed(head)
        if rest and not self._deaf:
            self._feed(rest)

    def _check_framing(self) -> None:
        """Refuse a head that has become too large, what is not body in a body, and blank lines without end."""
        most = self._limits.head_bytes
        cycle = self.cycle
        if self._in_head:
            self._refuse(self._too_large_head())
        elif cycle is not None and cycle.more_body:
            allowed = 2 * (most + _SLICE) + _FRAMING_PER_BYTE * cycle.received
            if self._fed - cycle.received > allowed:
                self._refuse(refusals.framing_too_large(most))
        else:
            self._refuse(refusals.malformed())

    def _too_large_head(self) -> Refusal:
        most = self._limits.head_bytes
        return (
            refusals.url_too_long(most)
            if len(self.url) > most // 2
            else refusals.head_too_large(most)
        )

    # ---------------------------------------------------------------- the parser's callbacks

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = self._extensions
        self._in_head = True
        self._fed = self._slice
        self._age = 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        parser = self.parser
        if parser.should_upgrade():
            return
        if self._fed > self._limits.head_bytes:
            self._check_size()
        scope = self.scope
        scope["method"] = parser.get_method().decode("ascii")
        version = parser.get_http_version()
        if version != "1.1":
            scope["http_version"] = version
        parsed = httptools.parse_url(self.url)
        raw_path = parsed.path or b"/"
        if len(raw_path) > self._limits.path_bytes:
            raise refusals.path_too_long(self._limits.path_bytes)
        path = raw_path.decode("ascii")
        scope["path"] = urllib.parse.unquote(path) if "%" in path else path
        scope["raw_path"] = raw_path
        scope["query_string"] = parsed.query or b""
        before = self.cycle
        cycle = Cycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue and version != "1.0",
            keep_alive=version != "1.0" and parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        self.cycle = cycle  # pyright: ignore[reportIncompatibleVariableOverride] - ours, and None at first
        cycle.most_discarded = self._limits.drain_bytes
        # Trailers come as headers too, and are none.
        self.headers = []
        self._crowd.idle.pop(self, None)
        if before is None or before.response_complete:
            self.start_task(cycle, self._handlers)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self._handlers))

    def _check_size(self) -> None:
        """Raises `Refusal` for a head that is too large."""
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self._limits.head_bytes:
            raise self._too_large_head()

    def on_body(self, body: bytes) -> None:
        cycle = self.cycle
        assert cycle is not None
        cycle.received += len(body)
        if cycle.response_complete:
            self._discard(len(body))
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        cycle = self.cycle
        assert cycle is not None
        cycle.more_body = False
        self._fed = 0
        if cycle.response_complete:
            self._become_idle()
        else:
            cycle.message_event.set()

    # ---------------------------------------------------------------- what leaves

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self._age = 0
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self.start_task(cycle, app)
        elif self._refusal is not None:
            self._send_refusal(self._refusal)
            return
        elif self.cycle is None or not self.cycle.more_body:
            self._become_idle()
        if self._held and not self.pipeline:
            self._feed_slices(self._held)
        if self._held or self.pipeline:
            return
        if not self._ends:
            self.flow.resume_reading()
        elif self.cycle is None or self.cycle.response_complete:
            self.transport.close()

    def _become_idle(self) -> None:
        self._age = 0
        self._discarded = 0
        self._crowd.idle[self] = None

    def _refuse(self, refusal: Refusal) -> None:
        """Answer the request that is being read with an error, in its turn, and close."""
        if self._deaf:
            return
        self._deaf = True
        self._refusal = refusal
        cycle = self.cycle
        if cycle is not None and cycle.more_body and not self._in_head:
            # The handler of this request waits for its body, or waits in its turn.
            if self.pipeline and self.pipeline[0][0] is cycle:
                self.pipeline.popleft()
            elif cycle.response_started:
                cycle.keep_alive = False
                if cycle.response_complete:
                    self.transport.close()
                return
            else:
                cycle.disconnected = True
                cycle.message_event.set()
                self._send_refusal(refusal)
                return
        if self.pipeline or (cycle is not None and not cycle.response_complete):
            self.flow.pause_reading()
        else:
            self._send_refusal(refusal)

    def _send_refusal(self, refusal: Refusal) -> None:
        self.transport.write(refusal.encode(self.server_state.default_headers))
        self.transport.close()

    # ---------------------------------------------------------------- what takes too long

    def sweep(self) -> None:
        """End what takes too long; called once a second."""
        self._age += 1
        cycle = self.cycle
        if self._stops_taking():
            self._raw.abort()
        elif self.transport.is_closing():
            self._crowd.slow.append(self)
            if self._age > self._limits.drain_seconds and not self._unsent:
                self._raw.abort()
        elif cycle is not None and cycle.more_body and not self._in_head:
            self._sweep_body(cycle)
        elif cycle is None or cycle.response_complete:
            self._sweep_idle()

    def _stops_taking(self) -> bool:
        unsent = self._raw.get_write_buffer_size()
        self._stalled = self._stalled + 1 if unsent and unsent == self._unsent else 0
        self._unsent = unsent
        return self._stalled >= self._limits.answer_seconds

    def _sweep_idle(self) -> None:
        if self._in_head:
            if self._age > self._limits.head_seconds:
                self._refuse(refusals.too_slow("The request line and the headers"))
        elif self._age > self._limits.idle_seconds:
            self.transport.close()

    def _sweep_body(self, cycle: Cycle) -> None:
        limits = self._limits
        if cycle.response_complete:
            if self._age > limits.drain_seconds:
                self.transport.close()
            return
        if cycle.response_started or cycle.waiting_for_100_continue or self.flow.read_paused:
            cycle.pace = None  # it is not the client that is waited for
            return
        if cycle.pace is None:
            cycle.pace = Pace(limits.body_seconds, limits.body_rate)
        if cycle.pace.is_too_slow(self._fed):
            self._refuse(refusals.too_slow("The body"))
        elif cycle.pace.stands:
            self._crowd.slow.append(self)
