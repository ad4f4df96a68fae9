"""Customers and deals from any system that answers with JSON over HTTP: paths are mapped, pages followed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from fieldhr_core.hooks import Offer, PluginInfo, RegistrationContext, hookimpl
from fieldhr_core.intake.web import WebSettings
from fieldhr_core.model import Datum

if TYPE_CHECKING:
    from fieldhr_core.hooks import Connector

__all__ = ["PLUGIN", "ResourceSettings", "RestSettings", "fieldhr_register_connectors"]


@attrs.frozen(kw_only=True)
class ResourceSettings:
    """One collection of records, and how its pages and records are read.

    In ``params`` and ``body`` stand ``{since}``, ``{size}``, ``{offset}``, ``{page}`` and ``{cursor}`` for the instant
    of the last change seen, the size of a page and the place of the next one.

    Attributes:
        path: below the address of the system; empty: none.
        method: ``GET``, or ``POST`` where a query travels in the body.
        params: of the address; one that holds ``{cursor}`` is left out of the first request.
        body: of a POST.
        items: path of the list in the answer (``data.list``); empty: the answer is the list.
        mapping: path in a record (``address.city``, ``phones[0]``, several joined by `` + ``) -> field.
        paging: ``none``, ``offset``, ``page`` (from 1), ``cursor`` (its value stands at ``next``) or ``link`` (the
            address of the next page stands at ``next``, or in the header ``Link``).
        next: path in the answer of the next page's cursor or address.
        page_rows: records of one page.
        changed: path in a record of the instant of its last change; with it, rounds ask from the last one on.
        since: how that instant is written, as of ``strftime``; empty: as it came.
        first_since: what ``{since}`` stands for the first time.
        deleted: path in a record that is true, or set, where it counts as deleted.
        gone: how customers that are not there any more are noticed: ``absence`` (only where every round asks for
            everything), or ``never``.
    """

    path: str = ""
    method: str = attrs.field(default="GET", validator=attrs.validators.in_(("GET", "POST")))
    params: Mapping[str, str] = attrs.field(factory=dict)
    body: Mapping[str, Any] = attrs.field(factory=dict)
    items: str = ""
    mapping: Mapping[str, str] = attrs.field(factory=dict)
    paging: str = attrs.field(
        default="none", validator=attrs.validators.in_(("none", "offset", "page", "cursor", "link"))
    )
    next: str = ""
    page_rows: int = attrs.field(default=100, validator=[attrs.validators.ge(1), attrs.validators.le(10_000)])
    changed: str = ""
    since: str = ""
    first_since: str = "1970-01-01T00:00:00Z"
    deleted: str = ""
    gone: str = attrs.field(default="never", validator=attrs.validators.in_(("absence", "never")))


@attrs.frozen(kw_only=True)
class RestSettings:
    """Which system, as whom, and how its records are read.

    Attributes:
        web: how it is reached.
        authorization: value of the header ``Authorization`` (``Bearer ...``, ``token key:secret``).
        headers: further headers of every request; none of them secret.
        preset: ``odoo``, ``frappe`` or ``salesforce``: what is not said here is as that system has it.
        customers, deals: what is fetched.
        datum: of coordinates where no field says it; never guessed.
        zone: IANA zone of times without one.
        date_order: how ``03/04/2026`` is meant: ``dmy``, ``mdy``, or empty: such dates are problems.
        currency: ISO 4217, where no field says it.
        default_schema: ``Person`` or ``Organization``, where nothing tells.
        source: written into every customer.
        most_gone_share: a pull that would take away more than this share of the known customers raises instead.
    """

    web: WebSettings = attrs.field(factory=WebSettings)
    authorization: str = attrs.field(default="", repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict)
    preset: str = attrs.field(default="", validator=attrs.validators.in_(("", "odoo", "frappe", "salesforce")))
    customers: ResourceSettings = attrs.field(factory=ResourceSettings)
    deals: ResourceSettings = attrs.field(factory=ResourceSettings)
    datum: Datum | None = None
    zone: str = "UTC"
    date_order: str = attrs.field(default="", validator=attrs.validators.in_(("", "dmy", "mdy")))
    currency: str = "CNY"
    default_schema: str = attrs.field(
        default="Organization", validator=attrs.validators.in_(("Person", "Organization"))
    )
    source: str = "rest"
    most_gone_share: float = attrs.field(default=0.5, validator=[attrs.validators.ge(0), attrs.validators.le(1)])


PLUGIN = PluginInfo(
    name="fieldhr.crm_rest",
    version="0.1.0",
    summary="Customers and deals from any JSON interface by a mapping; presets for Odoo, ERPNext and Salesforce.",
    settings=RestSettings,
)


@hookimpl
def fieldhr_register_connectors(context: RegistrationContext) -> Iterable[Offer[Connector]]:
    """Offer the connector ``rest``."""
    del context

    def rest(settings: RestSettings | None) -> Connector:
        from fieldhr_plugins.crm_rest.connector import RestConnector

        return RestConnector(settings or RestSettings())

    return [Offer("rest", rest)]
