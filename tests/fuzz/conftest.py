"""Who sends what the tests make up."""

import contextlib
from collections.abc import Callable, Iterator

import pytest

from tests.fuzz.caller import Caller
from tests.fuzz.running import SECONDS
from tests.fuzz.watch import HealthWatch
from tests.support.account_log import AccountLog
from tests.support.service import Service, eventually

# The bound of contract §9, and one that a machine keeps too which runs other tests beside.
_HEALTH_SECONDS = 0.1 if SECONDS else 3.0


@pytest.fixture(scope="module")
def make_caller(service: Service) -> Iterator[Callable[[str], Caller]]:
    """Makes callers, each to an account of its own."""
    with contextlib.ExitStack() as opened:
        watch = opened.enter_context(HealthWatch(service.url))

        def open_(name: str) -> Caller:
            account = service.create_account(name)
            eventually(lambda: account.http.get("/v3/analyze/profiles").status_code == 200)
            log = opened.enter_context(AccountLog(service, account))
            return opened.enter_context(
                contextlib.closing(Caller(service, account, log, watch, _HEALTH_SECONDS))
            )

        yield open_
