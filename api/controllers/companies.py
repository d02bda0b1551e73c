"""Companies: the hooks, the reads, the list and the deletion (contract §10)."""

from collections.abc import Mapping

from litestar import Controller, delete, get, post

from api.answers import Answer, answer, raw_answer
from api.commands.companies import delete_company, find_company, upsert_company
from api.commands.company_batching import CompanyBatchWriter
from api.commands.company_pages import count_companies, read_page
from api.controllers.hooks import batch_answer, batch_body
from api.door import Door, door
from api.envelopes import CompanyEnvelope
from api.incoming import Incoming, parse_query
from projections.companies.fold import Company
from schemas.errors import Unprocessable
from schemas.events import ENCODER
from schemas.expansion import Form, body_expand, parse_expand, query_expand
from schemas.search.brackets import from_query


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
        at = door(request)
        principal, body = await at.receive(request)
        done = await upsert_company(at.node, principal.account, body)
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
        at = door(request)
        async with batch_body(request, CompanyEnvelope) as batch:
            writer = CompanyBatchWriter(
                at.node,
                batch.principal.account,
                ignore_missing=batch.ignores_missing,
                item_limit=at.settings.body_limit,
                turn=at.intake.turn,
            )
            received, status = await writer.write(batch.items)
            at.batches.add(received.id, status)
            return batch_answer(received)

    @get("/analyze/company", summary="Read one company by id or uid")
    async def read(self, request: Incoming) -> Answer:
        at = door(request)
        account, query = at.principal(request).account, request.query
        await at.reach(request)
        return _one(find_company(at.node, account, query), _form(query_expand(query)))

    @get("/analyze/companies/{company_id:str}", summary="Read one company by its id")
    async def read_by_id(self, request: Incoming, company_id: str) -> Answer:
        at = door(request)
        account = at.principal(request).account
        await at.reach(request)
        company = find_company(at.node, account, {"id": company_id})
        return _one(company, _form(query_expand(request.query)))

    @get("/analyze/companies", summary="List companies, the newest first")
    async def page(self, request: Incoming) -> Answer:
        at = door(request)
        account = at.principal(request).account
        await at.reach(request)
        return await _page(at, account, _parameters(request))

    @post("/analyze/companies", status_code=200, summary="List companies, the newest first")
    async def page_for_body(self, request: Incoming) -> Answer:
        at = door(request)
        principal, body = await at.receive(request)
        await at.reach(request)
        return await _page(at, principal.account, body)

    @get("/analyze/companies/count", summary="Count companies")
    async def count(self, request: Incoming) -> Answer:
        at = door(request)
        account = at.principal(request).account
        await at.reach(request)
        return await _count(at, account, _parameters(request))

    @post("/analyze/companies/count", status_code=200, summary="Count companies")
    async def count_for_body(self, request: Incoming) -> Answer:
        at = door(request)
        principal, body = await at.receive(request)
        await at.reach(request)
        return await _count(at, principal.account, body)

    @delete("/edit/company", status_code=200, summary="Delete a company named by id or uid")
    async def delete_by_uid(self, request: Incoming) -> Answer:
        at = door(request)
        account, query = at.principal(request).account, request.query
        return await _delete(at, account, query, query)

    @delete("/edit/companies/{company_id:str}", status_code=200, summary="Delete a company")
    async def delete_by_id(self, request: Incoming, company_id: str) -> Answer:
        at = door(request)
        account = at.principal(request).account
        return await _delete(at, account, {"id": company_id}, request.query)


async def _delete(
    at: Door, account: str, named: Mapping[str, object], query: Mapping[str, str]
) -> Answer:
    cascade = query.get("cascade")
    if cascade not in (None, "profiles"):
        raise Unprocessable("cascade must be `profiles`, or left out")
    company = find_company(at.node, account, named)
    deletion, settled = await delete_company(at.node, account, company, cascade=cascade is not None)
    return answer({"deletion": {"id": deletion}}, 200 if settled else 202)


def _form(given: Mapping[str, object]) -> Form:
    """How much of each company is shown: all of it unless said otherwise."""
    return parse_expand({"company": "all", **given}).company


def _one(company: Company, form: Form) -> Answer:
    return raw_answer(b'{"company":%b}' % _show(company, form))


def _parameters(request: Incoming) -> Mapping[str, object]:
    return from_query(parse_query(request.scope["query_string"]))


async def _count(at: Door, account: str, given: Mapping[str, object]) -> Answer:
    return answer({"count": await count_companies(at.node, at.company_filters, account, given)})


async def _page(at: Door, account: str, given: Mapping[str, object]) -> Answer:
    form = _form(body_expand(given))
    page = await read_page(at.node, at.company_filters, account, given)
    cursor: dict[str, object] = {"limit": page.limit}
    if page.before is not None:
        cursor["before"] = page.before
    companies = b",".join(_show(company, form) for company in page.companies)
    return raw_answer(b'{"companies":[%b],"cursor":%b}' % (companies, ENCODER.encode(cursor)))


def _show(company: Company, form: Form) -> bytes:
    match form:
        case "all":
            return company.json
        case "min":
            return company.min
        case "skip":
            return ENCODER.encode({"id": company.id})
