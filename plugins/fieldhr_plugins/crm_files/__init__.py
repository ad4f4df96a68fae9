"""Customers and deals from CSV and XLSX files: previewed, mapped, and pulled again only where they changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import attrs

from fieldhr_core.hooks import Command, Offer, PluginInfo, RegistrationContext, hookimpl
from fieldhr_core.model import Datum

if TYPE_CHECKING:
    import argparse
    from typing import TextIO

    from fieldhr_core.hooks import Connector

__all__ = ["PLUGIN", "FileSettings", "fieldhr_register_commands", "fieldhr_register_connectors"]


@attrs.frozen(kw_only=True)
class FileSettings:
    """Which files, and how to read them.

    Attributes:
        customers: paths of customer files (``.csv``, ``.tsv``, ``.txt``, ``.xlsx``); one id stands in one row only.
        deals: paths of deal files.
        mapping: column -> field of customer files, beside what is recognised; an empty field leaves a column out.
        deals_mapping: the same for deal files.
        datum: of coordinates where no column says it; never guessed.
        encoding: ``auto`` (UTF-8, UTF-16 or GB18030), or a codec's name.
        delimiter: of CSV; empty: found in the header.
        sheet: of XLSX; empty: the first.
        zone: IANA zone of times without one.
        date_order: how ``03/04/2026`` is meant: ``dmy``, ``mdy``, or empty: such dates are problems.
        currency: ISO 4217, where no column says it.
        default_schema: ``Person`` or ``Organization``, where nothing tells.
        source: written into every customer.
        page_rows: most customers a pull returns at once.
        most_gone_share: a pull that would take away more than this share of the known customers raises instead.
        max_unpacked_mb: an XLSX file that unpacks to more is refused.
    """

    customers: tuple[str, ...] = ()
    deals: tuple[str, ...] = ()
    mapping: Mapping[str, str] = attrs.field(factory=dict)
    deals_mapping: Mapping[str, str] = attrs.field(factory=dict)
    datum: Datum | None = None
    encoding: str = "auto"
    delimiter: str = ""
    sheet: str = ""
    zone: str = "Asia/Shanghai"
    date_order: str = attrs.field(default="", validator=attrs.validators.in_(("", "dmy", "mdy")))
    currency: str = "CNY"
    default_schema: str = attrs.field(
        default="Organization", validator=attrs.validators.in_(("Person", "Organization"))
    )
    source: str = "files"
    page_rows: int = attrs.field(default=20_000, validator=attrs.validators.ge(1))
    most_gone_share: float = attrs.field(default=0.5, validator=[attrs.validators.ge(0), attrs.validators.le(1)])
    max_unpacked_mb: int = attrs.field(default=512, validator=attrs.validators.ge(1))


PLUGIN = PluginInfo(
    name="fieldhr.crm_files",
    version="0.1.0",
    summary="Customers and deals from CSV and XLSX files, changed rows only.",
    purposes=("integration", "customer_care"),
    settings=FileSettings,
)


@hookimpl
def fieldhr_register_connectors(context: RegistrationContext) -> Iterable[Offer[Connector]]:
    """Offer the connector ``files``."""
    del context

    def files(settings: FileSettings | None) -> Connector:
        from fieldhr_plugins.crm_files.connector import FileConnector

        return FileConnector(settings or FileSettings())

    return [Offer("files", files)]


@hookimpl
def fieldhr_register_commands(context: RegistrationContext) -> Iterable[Command]:
    """Offer ``fieldhr customers preview`` and ``fieldhr customers import``."""
    del context

    def reading(parser: argparse.ArgumentParser) -> None:
        from fieldhr_plugins.crm_files.commands import add_reading_arguments

        add_reading_arguments(parser)

    def importing(parser: argparse.ArgumentParser) -> None:
        from fieldhr_plugins.crm_files.commands import add_import_arguments

        add_import_arguments(parser)

    def preview(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
        from fieldhr_plugins.crm_files.commands import run_preview

        return run_preview(args, stdin, stdout)

    def load(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
        from fieldhr_plugins.crm_files.commands import run_import

        return run_import(args, stdin, stdout)

    return [
        Command(
            path=("customers", "preview"),
            summary="show how a customer file would be read, and its problems",
            arguments=reading,
            run=preview,
        ),
        Command(
            path=("customers", "import"),
            summary="store the customers of a file",
            arguments=importing,
            run=load,
        ),
    ]
