"""``fieldhr alerts list|show|replay``: cases and their evidence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TextIO

from fieldhr_core.cli.store import add_store_arguments, desk_of, open_store
from fieldhr_core.hooks.plugin import Command
from fieldhr_core.model import CaseState

if TYPE_CHECKING:
    import argparse

    from fieldhr_core.model import Case

__all__ = ["COMMANDS"]


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    add_store_arguments(parser)
    parser.add_argument("--code", metavar="CODE", help="only this alert code")
    states = [state.value for state in CaseState]
    parser.add_argument(
        "--state", choices=states, metavar="STATE", help=f"only cases in this state: {', '.join(states)}"
    )
    parser.add_argument("--rep", metavar="REP", help="only cases about this rep")


def _list(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    with open_store(args) as hr, desk_of(hr, args) as desk:
        for case in desk.alerts.list(code=args.code, state=args.state, rep=args.rep):
            _write(stdout, _summary(case))
    return 0


def _one_arguments(parser: argparse.ArgumentParser) -> None:
    add_store_arguments(parser)
    parser.add_argument("id", metavar="ID", help="id of the case")


def _show(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    from fieldhr_core.flow.values import plain

    with open_store(args) as hr, desk_of(hr, args) as desk:
        _write(stdout, plain(desk.alerts.get(args.id)))
    return 0


def _replay(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    with open_store(args) as hr, desk_of(hr, args) as desk:
        replay = desk.alerts.replay(args.id)
        again = None if replay.recomputed is None else json.loads(replay.recomputed)
        _write(stdout, {"id": args.id, "equal": replay.equal, "finding": again})
    return 0 if replay.equal else 1


def _summary(case: Case) -> dict[str, Any]:
    from fieldhr_core.flow.values import plain

    finding = case.finding
    shown = ("code", "subject_kind", "subject", "rep", "severity", "opened_at", "closed_at")
    return {
        "id": case.id,
        "state": case.state.value,
        **{name: plain(getattr(finding, name)) for name in shown},
        "simulated": case.simulated,
    }


def _write(stdout: TextIO, record: dict[str, Any]) -> None:
    stdout.write(json.dumps(record, ensure_ascii=False) + "\n")


COMMANDS = (
    Command(path=("alerts", "list"), summary="List alerts.", arguments=_list_arguments, run=_list),
    Command(
        path=("alerts", "show"), summary="Show a case, its evidence and history.", arguments=_one_arguments, run=_show
    ),
    Command(
        path=("alerts", "replay"),
        summary="Compute an alert again from its evidence; exit 1 where it comes out differently.",
        arguments=_one_arguments,
        run=_replay,
    ),
)
