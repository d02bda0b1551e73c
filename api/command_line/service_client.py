"""A running service, asked by a command: again while it cannot answer, and in an operator's words where it will not."""

import time
from collections.abc import Sequence
from typing import Annotated, Any, Final, Self

import httpx
import msgspec

from api.first_account import SECRET_FILE
from api.settings import Settings
from schemas.errors import OperatorError

_TIMEOUT_SECONDS: Final = 60
_PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds between attempts
_LONGEST_WAIT_SECONDS: Final = 30.0


class _Refusal(msgspec.Struct):
    messages: Annotated[list[str], msgspec.Meta(min_length=1)]


class Client:
    """The service of the settings, as the account that its secret names; use it as a context manager.

    `pauses` are the seconds between attempts. `restarts` says that the service may be started again meanwhile;
    without it one that cannot be reached is an error at once.
    """

    def __init__(self, settings: Settings, *, pauses: Sequence[float] = _PAUSES) -> None:
        # As bytes, for httpx takes ASCII only: what is no secret is for the service to refuse.
        headers = {b"X-Account-Secret": _secret(settings).encode()}
        self._http = httpx.Client(base_url=settings.url, headers=headers, timeout=_TIMEOUT_SECONDS)
        self._pauses = pauses
        self.restarts = False

    def __enter__(self) -> Self:
        self._http.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def send(self, method: str, path: str, **content: Any) -> httpx.Response:
        """The answer, when the service can give one; it is asked again while it cannot. Raises `OperatorError`."""
        for pause in [*self._pauses, None]:
            try:
                response = self._http.request(method, path, **content)
            except httpx.TransportError as error:
                away = isinstance(error, httpx.ConnectError) and not self.restarts
                if pause is None or away:
                    raise self._unreachable(error) from None
                time.sleep(pause)
                continue
            if response.status_code not in (403, 429, 503):
                return response
            if pause is None or response.status_code == 403:
                raise refused(response)
            time.sleep(max(pause, _retry_after(response)))
        raise AssertionError("the last attempt returns or raises")

    def _unreachable(self, error: httpx.TransportError) -> OperatorError:
        return OperatorError(
            f"no answer from {self._http.base_url} ({type(error).__name__}): check that the service runs, "
            "and --url or PROFILELOG_URL"
        )


def refused(response: httpx.Response) -> OperatorError:
    """What to do about an answer that is none."""
    if response.status_code == 403:
        return OperatorError(
            "the service does not know the secret: set PROFILELOG_SECRET or --secret-file to a live "
            "secret of the users' account"
        )
    if response.is_client_error and response.status_code != 429:
        return OperatorError(f"the service refused the request: {refusal(response)}")
    return OperatorError(f"the service answered {response.status_code}: try again later")


def refusal(response: httpx.Response) -> str:
    """The first of the service's own words, which name no value (contract §2)."""
    try:
        refusal = msgspec.json.decode(response.content, type=_Refusal)
    except msgspec.MsgspecError:
        return f"status {response.status_code}"
    return f"{refusal.messages[0]} ({response.status_code})"


def _retry_after(response: httpx.Response) -> float:
    text = response.headers.get("Retry-After", "")
    return min(float(text) if text.isdigit() else 0.0, _LONGEST_WAIT_SECONDS)


def _secret(settings: Settings) -> str:
    if settings.secret is not None:
        return settings.secret.get_secret_value()
    path = settings.data / SECRET_FILE
    if not path.exists():
        raise OperatorError(
            f"there is no account secret: set PROFILELOG_SECRET or --secret-file (there is no {path})"
        )
    return path.read_text("utf-8").strip()
