"""Companies: the hooks, the reads, the list and the deletion (contract §10)."""

from collections.abc import Mapping
from typing import Final

from litestar import Controller, delete, get, post

from api.answers import Answer, answer, raw_answer
from api.app_context import app_context
from api.commands.batches.company_items import CompanyItems
from api.commands.batches.writer import BatchContext, BatchWriter
from api.commands.companies import CONTRADICTION, delete_company, find_company, upsert_company
from api.commands.company_pages import count_companies, read_page
from api.controllers.hooks import batch_answer, batch_body
from api.envelopes import CompanyEnvelope
from api.incoming import Incoming
from api.parameters import Asked, receive_parameters
from projections.companies.fold import Company
from schemas.errors import Conflict, Unprocessable
from schemas.events import ENCODER
from schemas.expansion import Form, asked_expand, parse_expand
from schemas.search.parameters import check_names

_NAMED: Final = ("id", "uid")


class CompaniesController(Controller):
    """`companies` under `/v3/observe/hooks`, `/v3/analyze` and `/v3/edit`."""

    path = "/v3"
    tags = ("companies",)

    @post(
        ["/observe/hooks/companies", "/observe/hooks/{account_secret:str}/companies"],
        status_code=200,
        summary="Create or update one company",
    )
    async def upsert(self, request: Incoming) -> Answer:
        app = app_context(request)
        principal, body = await app.receive(request)
        done = await upsert_company(app.node, principal.account, body)
        content: dict[str, object] = {"company": {"id": done.id}}
        if done.ignored:
            content["ignored"] = done.ignored
        return answer(content, 201 if done.created else 200)

    @post(
        ["/observe/hooks/companies/batch", "/observe/hooks/{account_secret:str}/companies/batch"],
        status_code=202,
        summary="Create or update many companies",
    )
    async def batch(self, request: Incoming) -> Answer:
        app = app_context(request)
        async with batch_body(request, CompanyEnvelope) as batch:
            account, limit = batch.principal.account, app.settings.body_limit
            context = BatchContext(app.node, account, batch.ignores_missing, limit)
            writer = BatchWriter(context, CompanyItems(context), app.intake.turn)
            received, status = await writer.write(batch.items)
            app.batches.add(received.id, status)
            return batch_answer(received)

    @get("/analyze/company", summary="Read one company by id or uid")
    async def read(self, request: Incoming) -> Answer:
        return await _read(request)

    @get("/analyze/companies/{company_id:str}", summary="Read one company by its id")
    async def read_by_id(self, request: Incoming, company_id: str) -> Answer:
        return await _read(request, company_id)

    @get("/analyze/companies", summary="List companies, the newest first")
    async def page(self, request: Incoming) -> Answer:
        return await _page(request)

    @post("/analyze/companies", status_code=200, summary="List companies, the newest first")
    async def page_for_body(self, request: Incoming) -> Answer:
        return await _page(request)

    @get("/analyze/companies/count", summary="Count companies")
    async def count(self, request: Incoming) -> Answer:
        return await _count(request)

    @post("/analyze/companies/count", status_code=200, summary="Count companies")
    async def count_for_body(self, request: Incoming) -> Answer:
        return await _count(request)

    @delete("/edit/company", status_code=200, summary="Delete a company named by id or uid")
    async def delete_by_uid(self, request: Incoming) -> Answer:
        return await _delete(request)

    @delete("/edit/companies/{company_id:str}", status_code=200, summary="Delete a company")
    async def delete_by_id(self, request: Incoming, company_id: str) -> Answer:
        return await _delete(request, company_id)


async def _delete(request: Incoming, company_id: str | None = None) -> Answer:
    """Delete the company that the path names, or the parameters."""
    app = app_context(request)
    sent = await receive_parameters(app, request)
    # A mistyped `cascade` would leave the members of a company that is gone.
    check_names(sent.parameters, ("cascade", *(_NAMED if company_id is None else ())))
    cascade = sent.parameters.get("cascade")
    if cascade not in (None, "profiles"):
        raise Unprocessable("cascade must be `profiles`, or left out")
    company = find_company(app.node, sent.account, _named(sent, company_id))
    done = await delete_company(app.node, sent.account, company, cascade=cascade is not None)
    content: dict[str, object] = {"deletion": {"id": done.deletion}}
    if cascade is not None:
        content["deletions"] = [
            {"id": one.deletion, "profile": {"id": one.profile}} for one in done.forgotten
        ]
    return answer(content, 200 if done.settled else 202)


async def _read(request: Incoming, company_id: str | None = None) -> Answer:
    """The company that the path names, or the parameters."""
    app = app_context(request)
    sent = await receive_parameters(app, request)
    await app.reach(request)
    company = find_company(app.node, sent.account, _named(sent, company_id))
    return raw_answer(b'{"company":%b}' % _show(company, _form(sent)))


async def _count(request: Incoming) -> Answer:
    app = app_context(request)
    sent = await receive_parameters(app, request)
    await app.reach(request)
    _form(sent)  # refuses what its list would
    found = await count_companies(app.node, app.company_filters, sent.account, sent.parameters)
    return answer({"count": found})


async def _page(request: Incoming) -> Answer:
    app = app_context(request)
    sent = await receive_parameters(app, request)
    await app.reach(request)
    form = _form(sent)
    page = await read_page(app.node, app.company_filters, sent.account, sent.parameters)
    cursor: dict[str, object] = {"limit": page.limit}
    if page.before is not None:
        cursor["before"] = page.before
    companies = b",".join(_show(company, form) for company in page.companies)
    return raw_answer(b'{"companies":[%b],"cursor":%b}' % (companies, ENCODER.encode(cursor)))


def _named(sent: Asked, company_id: str | None) -> Mapping[str, object]:
    """What names the company. Raises `Conflict` for another id than the path's."""
    if company_id is None:
        return sent.parameters
    if sent.parameters.get("id") not in (None, company_id):
        raise Conflict(CONTRADICTION)
    return {**sent.parameters, "id": company_id}


def _form(sent: Asked) -> Form:
    """How much of each company is shown: all of it unless the request asks for less."""
    return parse_expand({"company": "all", **asked_expand(sent.parameters)}).company


def _show(company: Company, form: Form) -> bytes:
    match form:
        case "all":
            return company.json
        case "min":
            return company.min
        case "skip":
            return ENCODER.encode({"id": company.id})
