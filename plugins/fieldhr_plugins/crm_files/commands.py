"""``fieldhr customers preview`` and ``fieldhr customers import``."""

from __future__ import annotations

import contextlib
import gc
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import attrs

from fieldhr_core.cli.lines import write_line
from fieldhr_core.errors import ConfigError
from fieldhr_core.model import Customer, Datum, Problem, Receipt
from fieldhr_plugins.crm_files import FileSettings

if TYPE_CHECKING:
    import argparse

__all__ = ["add_import_arguments", "add_reading_arguments", "run_import", "run_preview"]

_PAGE_ROWS = 20_000


def add_reading_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say how a file is read."""
    parser.add_argument("file", metavar="FILE", help="CSV or XLSX file of customers")
    parser.add_argument("--mapping", metavar="F", help="JSON or TOML file: column -> field, beside what is recognised")
    parser.add_argument("--datum", choices=[datum.value for datum in Datum], help="of coordinates; never guessed")
    parser.add_argument("--encoding", default="auto", help="auto (UTF-8, UTF-16, GB18030) or a codec's name")
    parser.add_argument("--sheet", default="", help="sheet of an XLSX file (default: the first)")
    parser.add_argument("--zone", default="Asia/Shanghai", help="IANA zone of times without one")
    parser.add_argument("--date-order", default="", choices=["", "dmy", "mdy"], help="how 03/04/2026 is meant")


def add_import_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of :func:`run_import`."""
    from fieldhr_core.cli.store import add_store_arguments

    add_reading_arguments(parser)
    parser.add_argument("--source", default="files", help="written into every customer")
    add_store_arguments(parser)


def run_preview(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
    """Print one JSON object: how the file would be read."""
    del stdin
    from fieldhr_plugins.crm_files.preview import preview

    write_line(stdout, attrs.asdict(preview(args.file, _settings(args))))
    return 0


def run_import(args: argparse.Namespace, stdin: TextIO, stdout: TextIO) -> int:
    """Store the customers and print the receipt; problems go to standard error, each with its place."""
    del stdin
    from fieldhr_core.cli.store import desk_of, open_store

    total = Receipt()
    # What is wrong with the file as a whole is said before any database is touched.
    pages = _pages(args.file, _settings(args))
    with open_store(args) as hr, desk_of(hr, args) as desk, _seldom_collected():
        for customers, problems in pages:
            total += desk.customers.put(customers)
            total += _rejected(problems)
            for problem in problems:
                sys.stderr.write(f"{problem.at}: {problem.code}: {problem.message}\n")
    write_line(stdout, attrs.asdict(total))
    return 0


@contextlib.contextmanager
def _seldom_collected() -> Iterator[None]:
    """Let Python look for cycles seldom: an import makes millions of values without one, in a process of our own."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _pages(file: str, settings: FileSettings) -> Iterator[tuple[list[Customer], list[Problem]]]:
    from fieldhr_plugins.crm_files.reading import open_customers

    opened = open_customers(Path(file), settings)

    def pages() -> Iterator[tuple[list[Customer], list[Problem]]]:
        seen: set[str] = set()
        customers: list[Customer] = []
        problems: list[Problem] = []
        for number, row in opened.rows:
            found = opened.record(number, row)
            if isinstance(found, Problem):
                problems.append(found)
            elif found.id in seen:
                problems.append(opened.problem("customer.duplicate_id", number))
            else:
                seen.add(found.id)
                customers.append(found)
            if len(customers) + len(problems) >= _PAGE_ROWS:
                yield customers, problems
                customers, problems = [], []
        if customers or problems:
            yield customers, problems

    return pages()


def _rejected(problems: list[Problem]) -> Receipt:
    reasons: dict[str, int] = {}
    for problem in problems:
        reasons[problem.code] = reasons.get(problem.code, 0) + 1
    return Receipt(submitted=len(problems), rejected=len(problems), reasons=reasons)


def _settings(args: argparse.Namespace) -> FileSettings:
    return FileSettings(
        mapping=_mapping(args.mapping) if args.mapping else {},
        datum=Datum(args.datum) if args.datum else None,
        encoding=args.encoding,
        sheet=args.sheet,
        zone=args.zone,
        date_order=args.date_order,
        source=getattr(args, "source", "files"),
    )


def _mapping(name: str) -> dict[str, str]:
    path = Path(name)
    try:
        content = path.read_text(encoding="utf-8-sig")
        found = tomllib.loads(content) if path.suffix == ".toml" else json.loads(content)
    except (OSError, ValueError) as cause:
        raise ConfigError(
            f"The mapping {path.name!r} cannot be read: {type(cause).__name__}.",
            code="FHR-CFG-001",
            hint='Write JSON such as {"客户号": "id", "Remark": ""}.',
        ) from cause
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ConfigError(f"The mapping {path.name!r} is no table of texts.", code="FHR-CFG-001")
    return found
