"""Tryton over its REST and JSON-RPC interfaces: parties and what they need in, verified visits and notes back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import attrs

from fieldhr_core.hooks import Offer, PluginInfo, RegistrationContext, hookimpl
from fieldhr_core.intake.web import WebSettings

if TYPE_CHECKING:
    from fieldhr_core.hooks import Connector

__all__ = ["KINDS", "PLUGIN", "TrytonSettings", "fieldhr_register_connectors"]

#: What can be fetched beside parties, in the order in which it is.
KINDS: Final = ("employees", "opportunities", "sales", "complaints", "attendance")


def _known_kinds(_: object, __: object, value: tuple[str, ...]) -> None:
    unknown = [kind for kind in value if kind not in KINDS]
    if unknown:
        raise ValueError(f"there is no kind {unknown[0]!r}; there are {', '.join(KINDS)}")


@attrs.frozen(kw_only=True)
class TrytonSettings:
    """Which Tryton, as whom, and what of it.

    Attributes:
        web: how it is reached; ``web.url`` is the server's address without the database.
        database: name of the database.
        key: of a user application ``rest`` of a user with few rights. Without it, JSON-RPC is spoken.
        user, password: for JSON-RPC, where there is no key.
        company: id of the company whose records are meant; ``None``: the user's own.
        kinds: what is fetched beside parties; a kind whose module is not activated has to be left out.
        prefix: put before every id, so that the ids of two systems never meet.
        default_schema: what a party is: ``Person`` or ``Organization``.
        role: the role that employees get here.
        zone: IANA zone of the times written into notes, and of dates without a time.
        page_rows: records of one page.
        overlap_s: how far before the last change seen the next round looks again: transactions that were open then.
        most_gone_share: a pull that would take away more than this share of the known customers raises instead.
        source: written into every customer.
    """

    web: WebSettings = attrs.field(factory=WebSettings)
    database: str = ""
    key: str = attrs.field(default="", repr=False)
    user: str = ""
    password: str = attrs.field(default="", repr=False)
    company: int | None = None
    kinds: tuple[str, ...] = attrs.field(default=KINDS, validator=_known_kinds)
    prefix: str = "tryton-"
    default_schema: str = attrs.field(
        default="Organization", validator=attrs.validators.in_(("Person", "Organization"))
    )
    role: str = "rep"
    zone: str = "Asia/Shanghai"
    page_rows: int = attrs.field(default=500, validator=[attrs.validators.ge(1), attrs.validators.le(5_000)])
    overlap_s: int = attrs.field(default=300, validator=attrs.validators.ge(0))
    most_gone_share: float = attrs.field(default=0.5, validator=[attrs.validators.ge(0), attrs.validators.le(1)])
    source: str = "tryton"


PLUGIN = PluginInfo(
    name="fieldhr.crm_tryton",
    version="0.1.0",
    summary="Parties, opportunities, sales, complaints, employees and attendance of a Tryton; visits and notes back.",
    purposes=("integration", "customer_care"),
    settings=TrytonSettings,
)


@hookimpl
def fieldhr_register_connectors(context: RegistrationContext) -> Iterable[Offer[Connector]]:
    """Offer the connector ``tryton``."""
    del context

    def tryton(settings: TrytonSettings | None) -> Connector:
        from fieldhr_plugins.crm_tryton.connector import TrytonConnector

        return TrytonConnector(settings or TrytonSettings())

    return [Offer("tryton", tryton)]
