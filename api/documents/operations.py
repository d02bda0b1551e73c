"""What each operation takes and answers: beside the routes, whose paths, names and summaries are their own.

A test goes through the routes and finds what is missing here, and schemathesis what is not so.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from api.controllers.product_lists import EMPTY_LISTS, PREFIXES

EVENT_STREAM: Final = "text/event-stream"

# contract §2
_READ: Final = (403, 422, 503)
_BODY: Final = (400, 413)


class Operation(NamedTuple):
    """`answers` names the shape by status, `query` parameters, `body` the shape of the JSON that is sent.

    `errors` are answered as `Error`. Without `secret` anybody is answered.
    """

    answers: Mapping[int, str]
    errors: tuple[int, ...]
    query: tuple[str, ...] = ()
    body: str | None = None
    secret: bool = True


def _reads(answer: str, *errors: int, query: tuple[str, ...] = ()) -> Operation:
    return Operation({200: answer}, (*_READ, *errors), query)


def _asks(answer: str, body: str, *errors: int) -> Operation:
    return Operation({200: answer}, (*_READ, *_BODY, *errors), body=body)


def _writes(
    answer: str, body: str, *statuses: int, errors: tuple[int, ...] = (404, 409)
) -> Operation:
    return Operation(dict.fromkeys(statuses, answer), (*_READ, *_BODY, *errors), body=body)


_NAMED: Final = ("id", "uid", "email")
_EXPAND: Final = ("expand[profile]", "expand[company]", "expand[events]")
_PAGE: Final = ("limit", "before", "after")
_FILTERS: Final = ("filters", "filters_op")
_BOUNDED: Final = (*_FILTERS, "before", "after")
_FOLLOW: Final = ("types", "props", "from", "last_event_id")

OPERATIONS: Final[Mapping[str, Operation]] = {
    "GET /": Operation({200: "Account"}, (403,)),
    "POST /": Operation({200: "Account"}, (403, 422, *_BODY), body="Secret"),
    "POST /v3/observe/hooks/profiles": _writes("ProfileWritten", "ProfileUpsert", 200, 201),
    "POST /v3/observe/hooks/profiles/batch": _writes(
        "BatchReceived", "ProfileBatch", 202, errors=(404, 429)
    ),
    "POST /v3/observe/hooks/events": _writes("EventWritten", "TrackedEvent", 201),
    "POST /v3/observe/hooks/events/batch": _writes(
        "BatchReceived", "EventBatch", 202, errors=(404, 429)
    ),
    "POST /v3/observe/hooks/companies": _writes("CompanyWritten", "CompanyUpsert", 200, 201),
    "POST /v3/observe/hooks/companies/batch": _writes(
        "BatchReceived", "CompanyBatch", 202, errors=(429,)
    ),
    "GET /v3/observe/hooks/batches/{batch_id}": _reads("BatchStatus", 404),
    "GET /v3/observe/changes": Operation({200: EVENT_STREAM}, _READ, _FOLLOW),
    "POST /v3/observe/changes": Operation({200: EVENT_STREAM}, (*_READ, *_BODY), body="ToFollow"),
    "GET /v3/analyze/profile": _reads(
        "ProfileAnswer", 404, 409, query=(*_NAMED, "as_of", *_EXPAND)
    ),
    "POST /v3/analyze/profile": _asks("ProfileAnswer", "Identifiers", 404, 409),
    "GET /v3/analyze/profiles/{profile_id}": _reads(
        "ProfileAnswer", 404, query=("as_of", *_EXPAND)
    ),
    "POST /v3/analyze/profiles/{profile_id}": _asks("ProfileAnswer", "Expansion", 404),
    "GET /v3/analyze/profiles/{profile_id}/history": _reads(
        "History", 404, query=("limit", "before")
    ),
    "GET /v3/analyze/profiles/{profile_id}/export": _reads("Export", 404),
    "GET /v3/analyze/profiles": _reads("ProfilesAnswer", query=(*_FILTERS, *_PAGE, *_EXPAND)),
    "POST /v3/analyze/profiles": _asks("ProfilesAnswer", "Search"),
    "GET /v3/analyze/profiles/count": _reads("CountAnswer", query=_BOUNDED),
    "POST /v3/analyze/profiles/count": _asks("CountAnswer", "Count"),
    "GET /v3/analyze/company": _reads(
        "CompanyAnswer", 404, 409, query=("id", "uid", "expand[company]")
    ),
    "GET /v3/analyze/companies/{company_id}": _reads(
        "CompanyAnswer", 404, query=("expand[company]",)
    ),
    "GET /v3/analyze/companies": _reads(
        "CompaniesAnswer", query=(*_FILTERS, *_PAGE, "expand[company]")
    ),
    "POST /v3/analyze/companies": _asks("CompaniesAnswer", "Search"),
    "GET /v3/analyze/companies/count": _reads("CountAnswer", query=_BOUNDED),
    "POST /v3/analyze/companies/count": _asks("CountAnswer", "Count"),
    "GET /v3/edit/properties": _reads("PropertiesAnswer", query=("kind", *_PAGE, "order")),
    "POST /v3/edit/properties": _writes("PropertyAnswer", "PropertyDescribed", 200, 201, errors=()),
    "GET /v3/edit/properties/{property_id}": _reads("PropertyAnswer", 404),
    **{
        f"{method} /v3/edit/properties/{{property_id}}": _writes(
            "PropertyAnswer", "PropertyWords", 200, errors=(404,)
        )
        for method in ("PUT", "PATCH")
    },
    **{f"GET {prefix}/{name}": _reads("EmptyList") for prefix in PREFIXES for name in EMPTY_LISTS},
    **{f"GET {prefix}/event_names": _reads("EventNamesAnswer", query=_PAGE) for prefix in PREFIXES},
    "DELETE /v3/edit/profiles": _reads("ProfileAnswer", 404, 409, query=_NAMED),
    "DELETE /v3/edit/profiles/{profile_id}": _reads("ProfileAnswer", 404),
    "DELETE /v3/edit/profiles/forget": _reads("Forgotten", 404, 409, query=_NAMED),
    "DELETE /v3/edit/profiles/{profile_id}/forget": _reads("Forgotten", 404),
    "POST /v3/edit/profiles/forget": _writes("ManyForgotten", "ToForget", 202, errors=()),
    "GET /v3/edit/deletions": _reads("DeletionsAnswer", query=_PAGE),
    "GET /v3/edit/deletions/{deletion_id}": _reads("DeletionAnswer", 404),
    "DELETE /v3/edit/company": Operation(
        {200: "CompanyDeleted", 202: "CompanyDeleted"}, (*_READ, 404, 409), ("id", "uid", "cascade")
    ),
    "DELETE /v3/edit/companies/{company_id}": Operation(
        {200: "CompanyDeleted", 202: "CompanyDeleted"}, (*_READ, 404), ("cascade",)
    ),
    "GET /health": Operation({200: "Health"}, (), secret=False),
    "GET /ready": Operation({200: "Ready", 503: "Ready"}, (), secret=False),
}
