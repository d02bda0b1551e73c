"""The two batches of the product's own documents, as request bodies just under 16 MiB, and those of growth.

The same arguments make the same bytes. Another `series` makes other users, so that a batch
always creates what it holds.
"""

import uuid
from collections.abc import Iterable
from random import Random

BODY_LIMIT = 16 * 1024 * 1024
SMALL_COUNT = 265_000
LARGE_COUNT = 62_000
GROWTH_COUNT = 250_000
COMPANIES = 3_000

PLANS = ("free", "basic", "gold", "platinum")

_SMALL = '{"uid":"%s","plan":"gold"}'
_GROWING = '{"uid":"%s","plan":"%s"}'
_LARGE = (
    '{"uid":"%s","email":"jane%d.%d@acme.software","first_name":"Jane","last_name":"Chameleon",'
    '"last_login":"2029-04-29T09:00:00.000Z","subscription_type":"platinum","role":"revops",'
    '"company_id":"%s"}'
)


def small_uids(series: int = 0) -> list[str]:
    """The users of `small_batch(series)`, in its order."""
    return _uuids(SMALL_COUNT, f"small {series}")


def large_uids(series: int = 0) -> list[str]:
    """The users of `large_batch(series)`, in its order."""
    return _uuids(LARGE_COUNT, f"large {series}")


def small_batch(series: int = 0) -> bytes:
    """265,000 profiles of a uid and one property."""
    return _body(_SMALL % uid for uid in small_uids(series))


def large_batch(series: int = 0) -> bytes:
    """62,000 profiles with an email, five properties and one of 3,000 companies each."""
    companies = _uuids(COMPANIES, "companies")
    return _body(
        _LARGE % (uid, n, series, companies[n % COMPANIES])
        for n, uid in enumerate(large_uids(series))
    )


def growth_uids(number: int, count: int) -> list[str]:
    """The users of `growth_batch(number, count)`, in its order."""
    return _uuids(count, f"growth {number}")


def growth_batch(number: int, count: int) -> bytes:
    """Up to 250,000 profiles of a uid and one of four plans; another `number` makes other users."""
    uids = growth_uids(number, count)
    return _body(_GROWING % (uid, PLANS[n % len(PLANS)]) for n, uid in enumerate(uids))


def _uuids(count: int, seed: str) -> list[str]:
    random = Random(seed)
    return [str(uuid.UUID(int=random.getrandbits(128), version=4)) for _ in range(count)]


def _body(profiles: Iterable[str]) -> bytes:
    body = ('{"profiles":[' + ",".join(profiles) + "]}").encode()
    if len(body) >= BODY_LIMIT:
        raise ValueError(f"{len(body):,} bytes are no batch below {BODY_LIMIT:,}")
    return body
