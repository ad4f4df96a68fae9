"""``fieldhr doctor``: what is wrong, why, what to do, and what was mended."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import attrs

from fieldhr_core.cli.configfile import disabled_plugins, write_disabled_plugins
from fieldhr_core.cli.store import DEFAULT_DB, add_key_arguments, keys_of, url_of
from fieldhr_core.errors import FieldhrError
from fieldhr_core.hooks.plugin import Command

if TYPE_CHECKING:
    import argparse

    from fieldhr_core.care.doctor.patient import Answer, Patient
    from fieldhr_core.hooks.loader import Registry
    from fieldhr_core.trust.keys import KeyProvider

__all__ = ["COMMANDS"]


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fix", action="store_true", help="mend what can be mended without losing anything")
    parser.add_argument("--json", action="store_true", help="one JSON object with every question and its answer")
    parser.add_argument(
        "--db", metavar="URL", default=DEFAULT_DB, help=f"database URL or SQLite file (default: {DEFAULT_DB})"
    )
    add_key_arguments(parser)


def _run(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    from fieldhr_core.care.doctor.examine import examine

    patient = _patient(args)
    try:
        answers = examine(patient, fix=args.fix)
    finally:
        patient.close()
    if args.json:
        record = {"checks": [attrs.asdict(answer) for answer in answers]}
        stdout.write(json.dumps(record, ensure_ascii=False) + "\n")
    else:
        stdout.write("".join(_lines(answers)))
    return 1 if any(answer.status == "fault" for answer in answers) else 0


def _patient(args: argparse.Namespace) -> Patient:
    from fieldhr_core.care.doctor.patient import Patient
    from fieldhr_core.flow.clock import SystemClock
    from fieldhr_core.flow.tenants import OWN_SETTINGS
    from fieldhr_core.flow.wording import Wording
    from fieldhr_core.store.tables import StoreTables

    registry = _registry(args)
    patient = Patient(
        url=url_of(args),
        tables=StoreTables(),
        now=SystemClock().now(),
        open_keys=lambda: _keys(args, patient),
        registry=registry,
        reports=registry.reports,
        languages=frozenset(name for texts in Wording.of(registry).texts.values() for name in texts),
        own_settings=OWN_SETTINGS,
        advance=lambda: _advance(args),
        decay=lambda tenant: _decay(args, tenant),
        disable=lambda name: write_disabled_plugins([*disabled_plugins(), name]),
        store_leavers=lambda tenant, reps: _store_leavers(args, tenant, reps),
    )
    patient.key_file = _key_file(args, patient)
    return patient


def _registry(args: argparse.Namespace) -> Registry:
    from fieldhr_core.hooks.guard import Guard
    from fieldhr_core.hooks.loader import Registry

    registry = Registry(guard=Guard())
    registry.load(None, autoload=True, disabled=args.disabled, strict=False)
    return registry


def _key_file(args: argparse.Namespace, patient: Patient) -> Path | None:
    if args.key_variable:
        return None
    if args.key_file:
        return Path(args.key_file)
    return None if patient.file is None else Path(f"{patient.file}.keys")


def _keys(args: argparse.Namespace, patient: Patient) -> KeyProvider:
    from fieldhr_core.errors import TrustError
    from fieldhr_core.trust.keys import FileKeys

    named = keys_of(args)
    if named is not None:
        return named
    if patient.key_file is None:
        raise TrustError("It is not said which keys open the store.", code="FHR-TRU-002", hint="Use --key-file.")
    return FileKeys(patient.key_file)


def _advance(args: argparse.Namespace) -> None:
    from fieldhr_core.runtime import FieldHR

    with FieldHR.open(url_of(args), disabled=args.disabled, keys=keys_of(args)) as hr:
        hr.advance()


def _decay(args: argparse.Namespace, tenant: str) -> None:
    from fieldhr_core.model import Principal, Role
    from fieldhr_core.runtime import FieldHR

    with (
        FieldHR.open(url_of(args), disabled=args.disabled, keys=keys_of(args)) as hr,
        contextlib.suppress(FieldhrError),
        hr.acting_as(Principal(tenant=tenant, id="fieldhr.doctor", role=Role.ADMIN), purpose="operations") as desk,
    ):
        desk.retention.decay()


def _store_leavers(args: argparse.Namespace, tenant: str, reps: Mapping[str, date]) -> None:
    from fieldhr_core.model import Person, Principal, Role
    from fieldhr_core.runtime import FieldHR

    with (
        FieldHR.open(url_of(args), disabled=args.disabled, keys=keys_of(args)) as hr,
        hr.acting_as(Principal(tenant=tenant, id="fieldhr.doctor", role=Role.ADMIN), purpose="operations") as desk,
    ):
        desk.people.put([Person(id=rep, name=rep, left=last) for rep, last in reps.items()])


def _lines(answers: list[Answer]) -> Any:
    for answer in answers:
        if answer.status in ("fault", "fixed"):
            yield f"{answer.status:<6} {answer.code}: {answer.cause}\n       {answer.remedy}\n"
    count = sum(answer.status == "fault" for answer in answers)
    asked = sum(answer.status != "skipped" for answer in answers)
    yield f"{asked} questions asked, {count} open faults.\n"


COMMANDS = (
    Command(
        path=("doctor",),
        summary="Look for what is wrong and say what to do; exit 1 with open faults.",
        arguments=_arguments,
        run=_run,
    ),
)
