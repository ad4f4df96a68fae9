"""``fieldhr alerts``: cases and their evidence, and what decided ones say about the rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TextIO

from fieldhr_core.cli.store import add_store_arguments, desk_of, open_store
from fieldhr_core.hooks.plugin import Command
from fieldhr_core.model import CaseState, Period

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
        _write(stdout, {"id": args.id, "equal": replay.equal, "finding": again, "reason": replay.reason or None})
    return 0 if replay.equal else 1


def _inbox(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    from fieldhr_core.flow.values import plain

    with open_store(args) as hr, desk_of(hr, args) as desk:
        for case in desk.alerts.inbox():
            _write(stdout, {**_summary(case), "owner": case.owner, "deadline": plain(case.deadline)})
    return 0


def _precision(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    from fieldhr_core.flow.values import plain

    with open_store(args) as hr, desk_of(hr, args) as desk:
        for rule in desk.alerts.precision():
            _write(stdout, plain(rule))
    return 0


def _period_arguments(parser: argparse.ArgumentParser) -> None:
    from datetime import date

    add_store_arguments(parser)
    parser.add_argument(
        "--from", dest="first", metavar="DATE", required=True, type=date.fromisoformat, help="first day"
    )
    parser.add_argument("--to", dest="last", metavar="DATE", required=True, type=date.fromisoformat, help="last day")


def _sweep_arguments(parser: argparse.ArgumentParser) -> None:
    _period_arguments(parser)
    parser.add_argument("code", metavar="CODE", help="alert code")
    parser.add_argument("setting", metavar="SETTING", help="path of a setting of the plugin that raises it")
    parser.add_argument("values", metavar="VALUE", nargs="+", type=json.loads, help="values to try, as JSON")


def _sweep(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    from fieldhr_core.flow.values import plain

    with open_store(args) as hr, desk_of(hr, args) as desk:
        found = desk.alerts.sweep(args.code, args.setting, args.values, period=Period(args.first, args.last))
    _write(stdout, plain(found))
    return 0


def _threshold_arguments(parser: argparse.ArgumentParser) -> None:
    add_store_arguments(parser)
    parser.add_argument("code", metavar="CODE", help="alert code")
    parser.add_argument("setting", metavar="SETTING", help="path of a setting of the plugin that raises it")
    parser.add_argument("value", metavar="VALUE", type=json.loads, help="new value, as JSON")
    parser.add_argument("--reason", metavar="TEXT", required=True, help="why; it stands in the trail")


def _threshold(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    with open_store(args) as hr, desk_of(hr, args) as desk:
        desk.alerts.set_threshold(args.code, args.setting, args.value, reason=args.reason)
    _write(stdout, {"code": args.code, "setting": args.setting, "value": args.value})
    return 0


def _fairness_arguments(parser: argparse.ArgumentParser) -> None:
    _period_arguments(parser)
    parser.add_argument("--code", action="append", default=[], metavar="CODE", help="compare this code by itself, too")


def _fairness(args: argparse.Namespace, _stdin: TextIO, stdout: TextIO) -> int:
    from fieldhr_core.flow.values import plain

    with open_store(args) as hr, desk_of(hr, args) as desk:
        found = desk.alerts.fairness(period=Period(args.first, args.last), codes=args.code)
    for comparison in found:
        _write(stdout, plain(comparison))
    return 0 if all(comparison.holds for comparison in found) else 1


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
    Command(
        path=("alerts", "inbox"),
        summary="List what waits for you, in order.",
        arguments=add_store_arguments,
        run=_inbox,
    ),
    Command(
        path=("alerts", "precision"),
        summary="How often people found each rule right, with its interval.",
        arguments=add_store_arguments,
        run=_precision,
    ),
    Command(
        path=("alerts", "sweep"),
        summary="What a rule would have raised at other values of a setting.",
        arguments=_sweep_arguments,
        run=_sweep,
    ),
    Command(
        path=("alerts", "threshold"),
        summary="Set a threshold, with a reason.",
        arguments=_threshold_arguments,
        run=_threshold,
    ),
    Command(
        path=("alerts", "fairness"),
        summary="Compare groups of reps; exit 1 where one is told on more often than the bar allows.",
        arguments=_fairness_arguments,
        run=_fairness,
    ),
)
