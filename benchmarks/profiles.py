"""Made-up profiles for the search measure: about 500 bytes, properties of every kind.

The same number makes the same profile. Values are spread as in a product: few plans, a long tail of
names that few profiles have, one name with values of several kinds.
"""

import hashlib
from random import Random
from typing import Any, Final

from schemas.timestamps import format_timestamp

FIRST_MS: Final = 1_767_225_600_000  # 2026
SPAN_MS: Final = 3 * 365 * 86_400_000
COMPANIES: Final = 50_000

_PLANS = ("free", "basic", "gold", "platinum")
_ROLES = ("admin", "editor", "viewer", "revops", "sales", "support")
_COUNTRIES = ("US", "FR", "DE", "GB", "IN", "BR", "JP", "CN", "CA", "AU", "ES", "IT", "NL", "SE")
_FIRST_NAMES = ("Jane", "John", "Maria", "Wei", "Aisha", "Omar", "Lena", "Ivan", "Noor", "Paul")
_LAST_NAMES = ("Chameleon", "Smith", "Garcia", "Nguyen", "Rossi", "Tanaka", "Silva", "Brown", "Kim")
_CITIES = ("Paris", "Lyon", "Berlin", "London", "Austin", "Tokyo", "Lagos", "Cairo", "Rome", "Oslo")
_DOMAINS = ("acme.software", "example.com", "mail.test", "corp.example", "globex.io")


def profile_id(number: int) -> str:
    """The id of a profile: spread evenly, as real ones are."""
    return hashlib.blake2b(number.to_bytes(8), digest_size=12).hexdigest()


def company_id(number: int) -> str:
    return hashlib.blake2b(number.to_bytes(8), digest_size=12, person=b"company").hexdigest()


def make_company(number: int) -> dict[str, Any]:
    """A company's document: one of 500 pays in gold."""
    return {
        "id": company_id(number),
        "uid": f"company-{number}",
        "plan": "gold" if number % 500 == 0 else "free",
        "seats": number % 100,
    }


def make_profile(number: int) -> dict[str, Any]:
    """A profile's document, as it is stored."""
    random = Random(number)
    chance, choice = random.random, random.choice
    first, last = choice(_FIRST_NAMES), choice(_LAST_NAMES)
    created = FIRST_MS + int(chance() * SPAN_MS)
    created_at = format_timestamp(created)
    document: dict[str, Any] = {
        "id": profile_id(number),
        "uid": f"{random.getrandbits(128):032x}",
        "created_at": created_at,
        "updated_at": created_at,
        "percent": round(chance() * 100, 3),
        "email": f"{first.lower()}.{last.lower()}{number}@{choice(_DOMAINS)}",
        "first_name": first,
        "last_name": last,
        "company_id": company_id(int(chance() * COMPANIES)),
        "subscription_type": random.choices(_PLANS, (60, 20, 12, 8))[0],
        "role": choice(_ROLES),
        "country": _COUNTRIES[int(chance() * chance() * len(_COUNTRIES))],
        "age": 18 + int(chance() * 62),
        "score": round(chance() * 100, 3),
        "login_count": int(chance() ** 3 * 2000),
        "is_active": chance() < 0.7,
        "tags": [f"tag{int(chance() * chance() * 200)}" for _ in range(int(chance() * 4))],
        "address": {"city": choice(_CITIES), "zip": f"{int(chance() * 99999):05d}"},
    }
    if chance() < 0.9:
        document["last_login"] = format_timestamp(created + int(chance() * SPAN_MS))
    if chance() < 0.2:
        document["phone"] = f"+33{int(chance() * 1e9):09d}"
    document |= _mixed(random)
    tail = int(chance() * 300)
    document[f"p_{tail}"] = int(chance() * 1000) if tail % 2 else f"v{int(chance() * 1000)}"
    return document


def _mixed(random: Random) -> dict[str, Any]:
    """A name whose values are of several kinds, or missing."""
    share = random.random()
    if share < 0.3:
        return {"ext": int(random.random() * 100)}
    if share < 0.5:
        return {"ext": f"e{int(random.random() * 100)}"}
    if share < 0.65:
        return {"ext": None if share < 0.55 else random.random() < 0.5}
    return {}
