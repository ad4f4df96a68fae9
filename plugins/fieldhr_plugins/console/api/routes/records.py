"""Customers, messages and submissions: what is handed in is ruled on in the answer."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.params import Parameter

from fieldhr_core.errors import RecordError
from fieldhr_core.flow.submissions import KINDS
from fieldhr_core.model import Customer, Ruling
from fieldhr_core.model.datums import to_wgs84
from fieldhr_plugins.console.api.gate import Asked, at_desk, body_of, caller_of
from fieldhr_plugins.console.api.once import once
from fieldhr_plugins.console.api.paging import Cursor, Limit, page_of
from fieldhr_plugins.console.api.wire import CustomersIn, IdPath, MessagesIn, SubmissionsIn

__all__ = ["customer", "customers", "submit", "submit_customers", "submit_messages"]

Kind = Annotated[str, Parameter(pattern=f"^({'|'.join(KINDS)})$", description="What the records are.")]


class Where(msgspec.Struct, kw_only=True):
    """An address with a coordinate, in WGS-84, and the radius within which somebody is there."""

    id: str
    text: str
    lat: float
    lon: float
    radius_m: float


class CustomerOut(msgspec.Struct, kw_only=True):
    """A customer as far as the caller may see them; ``where`` holds the addresses with coordinates, in WGS-84."""

    id: str
    name: str
    schema: str
    owner: str | None
    need: str
    industry: str
    risk: str
    potential: str
    source: str
    where: list[Where]


class CustomerPage(msgspec.Struct, kw_only=True):
    """A page of customers."""

    items: list[CustomerOut]
    next: str | None


@get("/customers", operation_id="listCustomers", tags=["customers"], summary="Customers, by id")
async def customers(request: Asked, cursor: Cursor = None, limit: Limit = 200) -> CustomerPage:
    """List the customers that the caller may see."""
    found = await at_desk(request, "visits", lambda desk: desk.customers.list())
    page, after = page_of(found, lambda one: (one.id,), cursor, limit)
    return CustomerPage(items=[_shown(one) for one in page], next=after)


@get("/customers/{customer_id:str}", operation_id="readCustomer", tags=["customers"], summary="One customer")
async def customer(request: Asked, customer_id: IdPath) -> CustomerOut:
    """Return one customer."""
    return _shown(await at_desk(request, "visits", lambda desk: desk.customers.get(customer_id)))


@post(
    "/customers",
    operation_id="submitCustomers",
    tags=["customers"],
    status_code=200,
    summary="Hand in customers",
    opt={"body": CustomersIn},
)
async def submit_customers(request: Asked) -> Response[list[Ruling]]:
    """Store customers and return one ruling each, in order."""
    data = await body_of(request, CustomersIn)
    values = [one.value() for one in data.customers]
    return await once(request, "integration", lambda desk: list(desk.customers.submit(values)))


@post(
    "/messages",
    operation_id="submitMessages",
    tags=["messages"],
    status_code=200,
    summary="Check messages",
    opt={"body": MessagesIn},
)
async def submit_messages(request: Asked) -> Response[list[Ruling]]:
    """Check messages before or after they are sent and return one ruling each, in order."""
    data = await body_of(request, MessagesIn)
    own = (await caller_of(request)).principal.person
    if own is None and any(one.rep is None for one in data.messages):
        raise RecordError("A message does not say whose it is.", code="FHR-REC-007")
    values = data.values(own or "")
    return await once(request, "customer_care", lambda desk: desk.messages.submit(values))


@post(
    "/submissions/{kind:str}",
    operation_id="submitRecords",
    tags=["submissions"],
    status_code=200,
    summary="Check sales, statements, applications, loans, transfers",
    opt={"body": SubmissionsIn},
)
async def submit(request: Asked, kind: Kind) -> Response[list[Ruling]]:
    """Put records before every check of their kind and return one ruling each, in order."""
    data = await body_of(request, SubmissionsIn)
    return await once(
        request, "compliance", lambda desk: desk.submissions.submit(kind, data.records, context=data.context)
    )


def _shown(one: Customer) -> CustomerOut:
    where = []
    for address in one.addresses:
        if address.lat is not None and address.lon is not None and address.datum is not None:
            lat, lon = to_wgs84(address.lat, address.lon, address.datum)
            where.append(
                Where(id=address.id, text=address.text, lat=float(lat), lon=float(lon), radius_m=address.radius_m)
            )
    return CustomerOut(
        id=one.id,
        name=one.name,
        schema=one.schema,
        owner=one.owner,
        need=one.need,
        industry=one.industry,
        risk=one.risk,
        potential=one.potential,
        source=one.source,
        where=where,
    )
