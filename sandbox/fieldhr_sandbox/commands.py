"""``fieldhr trial``: the sandbox as a plugin of the command line, through the same door as everybody's."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TextIO

from fieldhr_core.hooks import Command, PluginInfo, hookimpl

if TYPE_CHECKING:
    import argparse

__all__ = ["PLUGIN"]

PLUGIN = PluginInfo(
    name="fieldhr.sandbox",
    version="0.1.0",
    summary="Synthetic tenants with an answer key: fieldhr trial.",
)


@hookimpl
def fieldhr_register_commands() -> Iterable[Command]:
    """Offer the commands of the trial."""
    return [
        Command(
            path=("trial", "run"),
            summary="build a synthetic tenant, feed it to the product, mark what was found",
            arguments=_run_arguments,
            run=_run,
        ),
        Command(
            path=("trial", "open"),
            summary="build a synthetic bank and open its console in the browser",
            arguments=_open_arguments,
            run=_open,
        ),
        Command(
            path=("trial", "report"),
            summary="write the report page of a trial again, from its report.json",
            arguments=_report_arguments,
            run=_report,
        ),
        Command(
            path=("trial", "reveal"),
            summary="open the sealed answer key of a blind trial and mark it",
            arguments=_folder_argument,
            run=_reveal,
        ),
        Command(
            path=("trial", "own"),
            summary="hand your own customers and tracks in, and see what the product makes of them",
            arguments=_own_arguments,
            run=_own,
        ),
        Command(
            path=("trial", "speed"),
            summary="measure on this machine how quick and how big a trial is, and put it into its report",
            arguments=_folder_argument,
            run=_speed,
        ),
        Command(
            path=("trial", "security"),
            summary="try what must not work on a trial's store; exit 1 where a control fails",
            arguments=_security_arguments,
            run=_security,
        ),
    ]


def _run_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "pack", metavar="PACK", help="what to build: smoke, background, ... (see the reference of packs)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="which tenant of that kind (default: 1)")
    parser.add_argument("--out", default="trial-out", metavar="DIR", help="folder of the report (default: trial-out)")
    parser.add_argument("--db", metavar="URL", help="database (default: a new SQLite file in DIR)")
    parser.add_argument(
        "--blind", action="store_true", help="seal the answer key; open it with: fieldhr trial reveal DIR"
    )
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes that make positions (default: 1)"
    )


@contextlib.contextmanager
def _rare_collections() -> Iterator[None]:
    """Let Python look for garbage less often while a command runs: a tenant is millions of objects that all stay."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _open_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "pack", metavar="PACK", nargs="?", default="open-house", help="which house (default: open-house, 200 reps)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="which house of that kind (default: 1)")
    parser.add_argument("--port", type=int, default=8000, metavar="PORT", help="port on this machine; 0: any free one")
    parser.add_argument("--no-browser", action="store_true", help="only say where it is")
    parser.add_argument(
        "--out", metavar="DIR", help="keep the store there (default: a folder that is removed at the end)"
    )


def _open(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    from fieldhr_sandbox.openhouse.serving import open_house

    with _rare_collections():
        return open_house(args, stdout)


def _own_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--customers", action="append", default=[], metavar="FILE", help="export of a CRM: CSV, XLSX")
    parser.add_argument(
        "--track",
        action="append",
        default=[],
        metavar="REP=FILE",
        help="positions of a rep: GPX, CSV, GeoJSON, PLT ...",
    )
    parser.add_argument("--datum", metavar="D", help="wgs84, gcj02 or bd09, for files that do not say it")
    parser.add_argument("--zone", default="Asia/Shanghai", metavar="TZ", help="IANA zone (default: Asia/Shanghai)")
    parser.add_argument(
        "--settings", metavar="FILE", help="JSON of plugins' settings: your phrase list, your connector"
    )
    parser.add_argument("--inject", action="store_true", help="plant cases on top, with a key of their own")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="which cases (default: 1)")
    parser.add_argument("--out", default="trial-own", metavar="DIR", help="folder of the report (default: trial-own)")


def _own(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    import json
    import sys
    from pathlib import Path

    from fieldhr_core.errors import ConfigError
    from fieldhr_sandbox.owndata.house import OwnFiles
    from fieldhr_sandbox.owndata.page import write_own_pages
    from fieldhr_sandbox.owndata.run import run_own

    tracks: dict[str, list[Path]] = {}
    for given in args.track:
        rep, sign, path = given.partition("=")
        if not (rep and sign and path):
            raise ConfigError(
                f"{given!r} is not REP=FILE.", code="FHR-CFG-001", hint="For example: --track ann=mon.gpx"
            )
        tracks.setdefault(rep, []).append(Path(path))
    settings = json.loads(Path(args.settings).read_text(encoding="utf-8")) if args.settings else {}
    files = OwnFiles(
        customers=[Path(path) for path in args.customers],
        tracks=tracks,
        datum=args.datum,
        zone=args.zone,
        settings=settings,
    )
    document = run_own(
        files,
        Path(args.out),
        inject=args.inject,
        seed=args.seed,
        progress=lambda line: print(line, file=sys.stderr),  # noqa: T201 - progress goes to standard error
    )
    write_own_pages(document, Path(args.out))
    stdout.write(json.dumps(document, ensure_ascii=False, sort_keys=True) + "\n")
    return 0


def _folder_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", metavar="DIR", help="folder of the trial")


def _security_arguments(parser: argparse.ArgumentParser) -> None:
    _folder_argument(parser)
    parser.add_argument("--db", metavar="URL", help="database (default: trial.db in DIR)")
    parser.add_argument("--key-file", metavar="FILE", help="keys of the store (default: beside the database)")
    parser.add_argument("--language", default="en", metavar="TAG", help="of the lines: en or zh-Hans (default: en)")
    parser.add_argument("--no-drill", action="store_true", help="do not destroy and restore a copy")


def _security(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    import json
    from pathlib import Path

    from fieldhr_sandbox.security import examine, write

    folder = Path(args.out)
    found = examine(folder, db=args.db, key_file=args.key_file, drill=not args.no_drill)
    write(found, folder)
    stdout.writelines(json.dumps(row.as_record(args.language), ensure_ascii=False) + "\n" for row in found.rows)
    last = {"counts": found.counts, "sha256": found.sha256, "made": found.made, "simulated": bool(found.simulated)}
    stdout.write(json.dumps(last) + "\n")
    return 1 if found.counts["fail"] else 0


def _speed(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    import json
    import sys
    from pathlib import Path

    import attrs

    from fieldhr_sandbox.report import write_pages
    from fieldhr_sandbox.speed import measure_speed

    rows = measure_speed(
        Path(args.out),
        tell=lambda line: print(line, file=sys.stderr),  # noqa: T201 - progress goes to standard error
    )
    write_pages(Path(args.out))
    stdout.writelines(
        json.dumps({**attrs.asdict(row), "is_met": row.is_met, "simulated": True}, ensure_ascii=False) + "\n"
        for row in rows
    )
    return 1 if any(row.is_met is False for row in rows) else 0


def _run(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    import sys
    from pathlib import Path

    from fieldhr_sandbox.buyer.live import ask
    from fieldhr_sandbox.report import write_pages
    from fieldhr_sandbox.trial import run_trial

    db = args.db if args.db is None or "://" in args.db else f"sqlite:///{args.db}"
    with _rare_collections():
        trial = run_trial(
            args.pack,
            seed=args.seed,
            out=Path(args.out),
            db=db,
            blind=args.blind,
            workers=args.workers,
            progress=lambda line: print(line, file=sys.stderr),  # noqa: T201 - progress goes to standard error
            ask=ask,
        )
    write_pages(Path(args.out))
    _print_summary(trial.document, stdout)
    return 0 if trial.passed else 1


def _report_arguments(parser: argparse.ArgumentParser) -> None:
    _folder_argument(parser)
    parser.add_argument("--pdf", action="store_true", help="write PDF files beside the pages")


def _report(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    from pathlib import Path

    from fieldhr_sandbox.report import write_pages, write_pdf
    from fieldhr_sandbox.trial import read_report

    document = read_report(Path(args.out))
    write_pages(Path(args.out))
    if args.pdf:
        write_pdf(Path(args.out))
    _print_summary(document, stdout)
    return 0


def _reveal(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    from pathlib import Path

    from fieldhr_sandbox.report import write_pages
    from fieldhr_sandbox.trial import reveal_trial

    trial = reveal_trial(Path(args.out))
    write_pages(Path(args.out))
    _print_summary(trial.document, stdout)
    return 0 if trial.document["passed"] else 1


def _print_summary(document: object, stdout: TextIO) -> None:
    import json
    from collections.abc import Mapping

    from fieldhr_sandbox.trial import summary

    assert isinstance(document, Mapping)
    stdout.write(json.dumps(summary(document), ensure_ascii=False, sort_keys=True) + "\n")
