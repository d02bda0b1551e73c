"""What each operation takes and answers: beside the routes, whose paths and summaries are their own.

A test goes through the routes and finds what is missing here, and schemathesis what is not so.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from api.controllers.product_lists import EMPTY_LISTS, PREFIXES

EVENT_STREAM: Final = "text/event-stream"

# contract §2
# The secret, and parameters, may come in a body, whatever the method.
_CHECKED: Final = (400, 403, 408, 413, 414, 422, 431, 503)
_LIMITED: Final = (429,)

_POSITION: Final = "X-Min-Log-Position"
_REPEAT: Final = "Idempotency-Key"


class Operation(NamedTuple):
    """`name` is the operationId, which clients call their function by.

    `answers` names the shape by status, `query` and `headers` the parameters, `body` the shape of the JSON that is
    sent. `errors` are answered as `Error`. Without `secret` anybody is answered. The answers of one that is
    `positioned` say the position in the log. `notes` says what no schema says.
    """

    name: str
    answers: Mapping[int, str]
    errors: tuple[int, ...]
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    body: str | None = None
    secret: bool = True
    positioned: bool = False
    notes: str = ""


def _reads(
    name: str, answer: str, *errors: int, query: tuple[str, ...] = (), waits: bool = False
) -> Operation:
    headers = (_POSITION,) if waits else ()
    return Operation(name, {200: answer}, (*_CHECKED, *errors), query, headers)


def _asks(name: str, answer: str, body: str, *errors: int, waits: bool = False) -> Operation:
    headers = (_POSITION,) if waits else ()
    return Operation(name, {200: answer}, (*_CHECKED, *errors), headers=headers, body=body)


def _erases(name: str, answer: str, *errors: int, query: tuple[str, ...] = ()) -> Operation:
    return Operation(name, {200: answer}, (*_CHECKED, *errors), query, positioned=True)


def _writes(
    name: str,
    answer: str,
    body: str,
    *statuses: int,
    errors: tuple[int, ...] = (404, 409),
    keyed: bool = False,
    positioned: bool = False,
    notes: str = "",
) -> Operation:
    return Operation(
        name,
        dict.fromkeys(statuses, answer),
        (*_CHECKED, *_LIMITED, *errors),
        headers=(_REPEAT,) if keyed else (),
        body=body,
        positioned=keyed or positioned,
        notes=notes,
    )


_NAMED: Final = ("id", "uid", "email")
_EXPAND: Final = ("expand[profile]", "expand[company]", "expand[events]")
_PAGE: Final = ("limit", "before", "after")
_FILTERS: Final = ("filters", "filters_op")
_BOUNDED: Final = (*_FILTERS, "before", "after")
_FOLLOW: Final = ("types", "props", "from", "last_event_id")
_CSV: Final = "The body may also be `text/csv`, whose header line names `uid`, `email` or `id`."


def _list_name(prefix: str, name: str) -> str:
    """`listEditSegments`."""
    return f"list{prefix.rpartition('/')[2].capitalize()}{name[0].upper()}{name[1:]}"


OPERATIONS: Final[Mapping[str, Operation]] = {
    "GET /": Operation("readAccount", {200: "Account"}, _CHECKED),
    "POST /": _asks("readAccountForBody", "Account", "Secret"),
    "POST /v3/observe/hooks/profiles": _writes(
        "upsertProfile", "ProfileWritten", "ProfileUpsert", 200, 201, keyed=True
    ),
    "POST /v3/observe/hooks/profiles/batch": _writes(
        "upsertProfiles", "BatchReceived", "ProfileBatch", 202, errors=(404,), keyed=True
    ),
    "POST /v3/observe/hooks/events": _writes(
        "trackEvent", "EventWritten", "TrackedEvent", 201, keyed=True
    ),
    "POST /v3/observe/hooks/events/batch": _writes(
        "trackEvents", "BatchReceived", "EventBatch", 202, errors=(404,), keyed=True
    ),
    "POST /v3/observe/hooks/companies": _writes(
        "upsertCompany", "CompanyWritten", "CompanyUpsert", 200, 201
    ),
    "POST /v3/observe/hooks/companies/batch": _writes(
        "upsertCompanies", "BatchReceived", "CompanyBatch", 202, errors=()
    ),
    "GET /v3/observe/hooks/batches/{batch_id}": _reads("readBatch", "BatchStatus", 404),
    "GET /v3/observe/changes": Operation(
        "followChanges", {200: EVENT_STREAM}, _CHECKED, _FOLLOW, ("Last-Event-ID",)
    ),
    "POST /v3/observe/changes": Operation(
        "followChangesForBody", {200: EVENT_STREAM}, _CHECKED, body="ToFollow"
    ),
    "GET /v3/analyze/profile": _reads(
        "readProfile",
        "ProfileAnswer",
        404,
        409,
        query=(*_NAMED, "as_of", *_EXPAND),
        waits=True,
    ),
    "POST /v3/analyze/profile": _asks(
        "readProfileForBody", "ProfileAnswer", "Identifiers", 404, 409, waits=True
    ),
    "GET /v3/analyze/profiles/{profile_id}": _reads(
        "readProfileById", "ProfileAnswer", 404, 409, query=("as_of", *_EXPAND), waits=True
    ),
    "POST /v3/analyze/profiles/{profile_id}": _asks(
        "readProfileByIdForBody", "ProfileAnswer", "Expansion", 404, 409, waits=True
    ),
    "GET /v3/analyze/profiles/{profile_id}/history": _reads(
        "readHistory", "History", 404, query=("limit", "before"), waits=True
    ),
    "GET /v3/analyze/profiles/{profile_id}/export": _reads(
        "exportProfile", "Export", 404, 409, waits=True
    ),
    "GET /v3/analyze/profiles": _reads(
        "searchProfiles", "ProfilesAnswer", query=(*_FILTERS, *_PAGE, *_EXPAND)
    ),
    "POST /v3/analyze/profiles": _asks("searchProfilesForBody", "ProfilesAnswer", "Search"),
    "GET /v3/analyze/profiles/count": _reads("countProfiles", "CountAnswer", query=_BOUNDED),
    "POST /v3/analyze/profiles/count": _asks("countProfilesForBody", "CountAnswer", "Count"),
    "GET /v3/analyze/company": _reads(
        "readCompany",
        "CompanyAnswer",
        404,
        409,
        query=("id", "uid", "expand[company]"),
        waits=True,
    ),
    "GET /v3/analyze/companies/{company_id}": _reads(
        "readCompanyById", "CompanyAnswer", 404, 409, query=("expand[company]",), waits=True
    ),
    "GET /v3/analyze/companies": _reads(
        "searchCompanies",
        "CompaniesAnswer",
        query=(*_FILTERS, *_PAGE, "expand[company]"),
        waits=True,
    ),
    "POST /v3/analyze/companies": _asks(
        "searchCompaniesForBody", "CompaniesAnswer", "Search", waits=True
    ),
    "GET /v3/analyze/companies/count": _reads(
        "countCompanies", "CountAnswer", query=_BOUNDED, waits=True
    ),
    "POST /v3/analyze/companies/count": _asks(
        "countCompaniesForBody", "CountAnswer", "Count", waits=True
    ),
    "GET /v3/edit/properties": _reads(
        "listProperties", "PropertiesAnswer", query=("kind", *_PAGE, "order", "integration")
    ),
    "POST /v3/edit/properties": _writes(
        "describeProperty", "PropertyAnswer", "PropertyDescribed", 200, 201, errors=()
    ),
    "GET /v3/edit/properties/{property_id}": _reads("readProperty", "PropertyAnswer", 404),
    "PUT /v3/edit/properties/{property_id}": _writes(
        "changeProperty", "PropertyAnswer", "PropertyWords", 200, errors=(404,)
    ),
    "PATCH /v3/edit/properties/{property_id}": _writes(
        "patchProperty", "PropertyAnswer", "PropertyWords", 200, errors=(404,)
    ),
    **{
        f"GET {prefix}/{name}": _reads(_list_name(prefix, name), "EmptyList")
        for prefix in PREFIXES
        for name in EMPTY_LISTS
    },
    **{
        f"GET {prefix}/event_names": _reads(
            _list_name(prefix, "eventNames"), "EventNamesAnswer", query=_PAGE
        )
        for prefix in PREFIXES
    },
    "DELETE /v3/edit/profiles": _erases("clearProfile", "ProfileAnswer", 404, 409, query=_NAMED),
    "DELETE /v3/edit/profiles/{profile_id}": _erases("clearProfileById", "ProfileAnswer", 404, 409),
    "DELETE /v3/edit/profiles/forget": _erases(
        "forgetProfile", "Forgotten", 404, 409, query=_NAMED
    ),
    "DELETE /v3/edit/profiles/{profile_id}/forget": _erases(
        "forgetProfileById", "Forgotten", 404, 409
    ),
    "POST /v3/edit/profiles/forget": _writes(
        "forgetProfiles", "ManyForgotten", "ToForget", 202, errors=(), positioned=True, notes=_CSV
    ),
    "GET /v3/edit/deletions": _reads("listDeletions", "DeletionsAnswer", query=_PAGE),
    "GET /v3/edit/deletions/{deletion_id}": _reads("readDeletion", "DeletionAnswer", 404),
    "DELETE /v3/edit/company": Operation(
        "deleteCompany",
        {200: "CompanyDeleted", 202: "CompanyDeleted"},
        (*_CHECKED, 404, 409),
        ("id", "uid", "cascade"),
    ),
    "DELETE /v3/edit/companies/{company_id}": Operation(
        "deleteCompanyById",
        {200: "CompanyDeleted", 202: "CompanyDeleted"},
        (*_CHECKED, 404),
        ("cascade",),
    ),
    "GET /health": Operation("readHealth", {200: "Health"}, (), secret=False),
    "GET /ready": Operation("readReadiness", {200: "Ready", 503: "Ready"}, (), secret=False),
}
"""By method and path; a hook stands for both of its path forms."""
