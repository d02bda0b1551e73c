"""From what was sent to what an event will say: identifiers taken out, properties normalized (contract §3, §9)."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from schemas.browser import check_browser_fields
from schemas.errors import InvalidValue, Unprocessable
from schemas.identifiers import parse_email, parse_id, parse_new_uid, trim
from schemas.identity import is_id
from schemas.normalization import UNSET, check_text, normalize
from schemas.property_names import normalize_name

TWO_COMPANIES: Final = "company_id and company_uid name different companies"
_NO_NAME: Final = "name must be a text with a letter or a digit, without control characters"


class Draft(NamedTuple):
    """One write, normalized. `company` is a company's id or uid, None when the write does not name one.

    `name` is a tracked event's, "" of any other write.
    """

    id: str | None
    uid: int | str | None
    email: str | None
    properties: dict[str, Any]
    unset: list[str]
    ignored: list[str]
    company: "CompanyReference | None" = None
    name: str = ""

    @property
    def identified(self) -> bool:
        """Whether it names somebody at all."""
        return self.id is not None or self.uid is not None or self.email is not None

    @property
    def by_email(self) -> bool:
        """Whether it is the email alone that says who is meant."""
        return self.id is None and self.uid is None and self.email is not None


class CompanyReference(NamedTuple):
    """Which company a write names: by id, by uid, by both, or by nothing to end the membership."""

    id: str | None = None
    uid: int | str | None = None

    @property
    def made_by(self) -> int | str | None:
        """The uid that creates the company where it is not there yet: none beside an id."""
        return self.uid if self.id is None else None


def draft(sent: Mapping[str, object], now: int) -> Draft:
    """Normalize one write; `now` is in unix milliseconds. Raises `Unprocessable`."""
    id_ = parse_id(sent)
    properties, unset, ignored = normalize(sent, now)
    if id_ is not None and "id" in ignored:
        ignored.remove("id")
    uid = properties.pop("uid", None)
    uid = None if uid is None else parse_new_uid(uid)
    email = None
    if "email" in properties:
        email = _email(properties, unset)
    company = None
    if "company_id" in properties or "company_uid" in properties:
        company = _company(properties)
    check_browser_fields(properties)
    return Draft(id_, uid, email, properties, unset, ignored, company)


def draft_event(sent: Mapping[str, object], now: int) -> Draft:
    """Normalize one tracked event (contract §11); `now` is in unix milliseconds. Raises `Unprocessable`.

    An email says who is meant, and nothing else: beside an `id` or `uid` it is ignored. So are companies.
    """
    sent = dict(sent)
    name = _event_name(sent.pop("name", None))
    id_ = parse_id(sent)
    properties, _, ignored = normalize(sent, now)
    if id_ is not None and "id" in ignored:
        ignored.remove("id")
    uid = properties.pop("uid", None)
    uid = None if uid is None else parse_new_uid(uid)
    email = properties["email"] = parse_email(properties.get("email"))
    write = Draft(id_, uid, email, properties, [], ignored, name=name)
    for other in ("email", "company_id", "company_uid"):
        if properties.pop(other, None) is not None and not (other == "email" and write.by_email):
            ignored.append(other)
    return write


def _event_name(sent: object) -> str:
    if not isinstance(sent, str) or not check_text(sent):
        raise Unprocessable(_NO_NAME)
    name = normalize_name(sent)
    if not name:
        raise Unprocessable(_NO_NAME)
    return name


def _email(properties: dict[str, Any], unset: list[str]) -> str | None:
    if properties["email"] == UNSET:
        del properties["email"]
        unset.append("email")
        return None
    email = properties["email"] = parse_email(properties["email"])
    return email


def _company(properties: dict[str, Any]) -> CompanyReference:
    """Contract §3: a `company_id` that has not the form of an id is taken as a `company_uid`.

    Null and blanks say nothing beside a name, and end the membership where there is none. Whether an id and a uid are
    of one company is not judged.
    """
    named = [
        reference
        for name in ("company_id", "company_uid")
        if name in properties and (reference := _reference(name, properties.pop(name))) is not None
    ]
    if len(named) < 2:
        return named[0] if named else CompanyReference()
    first, second = named
    if first.id is not None:
        return CompanyReference(first.id, second.uid)
    if str(first.uid) != str(second.uid):
        raise Unprocessable(TWO_COMPANIES)
    return second


def _reference(name: str, value: object) -> CompanyReference | None:
    if value is None or value == UNSET or (isinstance(value, str) and not trim(value)):
        return None
    if name == "company_id" and isinstance(value, str) and is_id(value):
        return CompanyReference(id=value)
    try:
        return CompanyReference(uid=parse_new_uid(value, whose="companies"))
    except InvalidValue as error:
        raise InvalidValue(name, error.reason) from None
