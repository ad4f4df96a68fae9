"""Turns the document of a trial into its page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from fieldhr_core import paper
from fieldhr_core.paper import Markup
from fieldhr_sandbox import charts
from fieldhr_sandbox.buyer.answers import questions
from fieldhr_sandbox.buyer.speech import Speech
from fieldhr_sandbox.scenarios import REGISTRY

__all__ = ["render"]

#: What only this page has: its name in the corner of every sheet of paper.
_CSS: Final = (
    '@page{margin:16mm 15mm 18mm;@bottom-left{content:"Simulated · fieldhr trial";font-size:9pt}'
    "@bottom-right{content:counter(page);font-size:9pt}}header .badge{margin-bottom:10px}"
    "td.id,td.state{white-space:nowrap}"
    "td{overflow-wrap:anywhere}table{margin:10px 0 18px}.scroll>svg{width:100%;min-width:560px}"
    "@media print{.scroll>svg{min-width:0}}"
)

#: So many planted instances are no longer few.
_MANY: Final = 200

#: What no run of the trial can show; said in every report.
NOT_TESTED: Final = (
    "Real people and real phones: everything here is synthetic, made by the same authors as the product.",
    "Load: one process on one machine, with the sizes given above.",
    "The host around it: its network, its staff, its machines.",
    "Rows marked untried below were not touched by this pack.",
)


def render(document: Mapping[str, Any], language: str = "en", *, other: Markup | str = "") -> str:
    """Return the page of a trial.

    Args:
        language: ``en`` or ``zh-Hans``.
        other: a line that leads to the page in another language.
    """
    import jinja2

    say = Speech(language)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("fieldhr_sandbox"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["local"] = _local
    environment.filters["percent"] = lambda value: "—" if value is None else f"{value:.1%}"
    environment.filters["span"] = _span
    environment.filters["dial"] = _dial
    environment.globals["title_of"] = _title_of
    environment.globals["_"] = say
    body = environment.get_template("report.html.j2").render(
        trial={
            "speed": [],
            "comparison": None,
            "ladder": None,
            "dials": [],
            "shown": [],
            "campaigns": None,
            **document,
        },
        not_tested=[say(line) for line in NOT_TESTED],
        other=other,
        **questions(document, say),
        **(_sealed() if document["sealed"] else _opened(document, say)),
    )
    title = f"{say('Trial report')} · {document['pack']} · {say('seed')} {document['seed']} · {say('Simulated')}"
    return paper.page(title, body, css=_CSS, language=language)


def _sealed() -> dict[str, Any]:
    return {"weaknesses": [], "quiet": [], "charts": {}, "case": None}


def _opened(document: Mapping[str, Any], say: Speech) -> dict[str, Any]:
    total = document["marks"]["total"]
    drawn = {"timeline": _timeline(document)}
    shares = [
        (say(label), total[name], total[f"{name}_low"], total[f"{name}_high"], f"{total[name]:.1%}")
        for label, name in (("Precision", "precision"), ("Recall", "recall"))
        if total[name] is not None
    ]
    if shares:
        lowest = min(low for _, _, low, _, _ in shares)
        drawn["shares"] = charts.intervals(shares, max(0.0, int(lowest * 10 - 1) / 10))
    waits = _waits(document)
    if waits:
        drawn["delays"] = charts.delays(waits)
    case = _case(document)
    if case is not None:
        drawn["track"] = charts.track(case["show"])
    return {"weaknesses": _weaknesses(document, say), "quiet": _quiet(document), "charts": drawn, "case": case}


def _weaknesses(document: Mapping[str, Any], say: Speech) -> list[tuple[str, bool]]:
    """Return what went wrong or is weak, worst first, and whether it is a mistake."""
    by_instance = {record["instance"]: record for record in document["key"]}
    total = document["marks"]["total"]
    missed = [by_instance[instance] for instance in document["missed"]]
    wrong = [alert for alert in document["alerts"] if document["verdicts"].get(alert["case"]) == "false positive"]
    late = {each["instance"]: alert for each in missed for alert in wrong if _is_late(each, alert)}
    wrong = [alert for alert in wrong if alert not in late.values()]
    miscounted = [each for each in document.get("counters", ()) if each["sent"] != each["refused"]]
    idle = [report for report in document["plugins"]["reports"] if report["status"] != "active"]
    bad = [
        *(_missed(each, late.get(each["instance"]), say) for each in missed),
        *(
            say(
                "False alarm: {code} at {when} about {subject}.",
                code=each["code"],
                when=_local(each["opened_at"]),
                subject=each["subject"],
            )
            for each in wrong
        ),
        *(
            say(
                "Missed: {sent} fixes should have been refused for {reason}, {refused} were.",
                sent=each["sent"],
                reason=each["reason"],
                refused=each["refused"],
            )
            for each in miscounted
        ),
        *(
            say(
                "Plugin {plugin} ({provider}): {kind}, {count} times.",
                plugin=fault["plugin"],
                provider=fault["provider"],
                kind=fault["kind"],
                count=fault["count"],
            )
            for fault in document["plugins"]["faults"]
        ),
        *(
            say(
                "Plugin {plugin} is {status}: {reason}",
                plugin=report["name"],
                status=report["status"],
                reason=report["reason"],
            )
            for report in idle
        ),
    ]
    weak = [say("{count} alerts repeat another one.", count=total["duplicates"])] if total["duplicates"] else []
    bad += [
        say(
            "Measured off the dial: {metric}, {part}: {measured} where {dialled} was dialled.",
            metric=say(row["metric"].replace("_", " ")),
            part=say(row["part"]),
            measured="—" if row["measured"] is None else _dial(row["measured"], row),
            dialled=_dial(row["dialled"], row),
        )
        for row in document.get("dials") or ()
        if not row["holds"]
    ]
    bad += [
        say(
            "Precision under the bar with worse phones: {step}, {precision}.",
            step=row["step"],
            precision=f"{row['precision'] or 0:.1%}",
        )
        for row in document.get("ladder") or ()
        if not row["holds"]
    ]
    bad += [
        say("Not found: {row} ({style}), in ten working days.", row=row["scenario"], style=row["style"])
        for row in (document.get("campaigns") or {"rows": []})["rows"]
        if not row["found"]
    ]
    planted = total["tp"] + total["fn"]
    if planted >= _MANY:
        weak.append(
            say(
                "With 95 % confidence recall is at least {recall} and precision at least {precision}, over all rows "
                "together; what a single row shows stands in its interval below.",
                recall=f"{total['recall_low']:.0%}",
                precision=f"{total['precision_low']:.0%}",
            )
        )
    elif planted:
        weak.append(
            say(
                "{count} planted instances are few: with 95 % confidence recall is at least {recall} and the precision "
                "at least {precision}, not more.",
                count=planted,
                recall=f"{total['recall_low']:.0%}",
                precision=f"{total['precision_low']:.0%}",
            )
        )
    if total["evidence_complete"] is not None and total["evidence_complete"] < 1:
        share = f"{total['evidence_complete']:.0%}"
        weak.append(say("Only {share} of the found alerts show all the evidence asked for.", share=share))
    return [*((line, True) for line in bad), *((line, False) for line in weak)]


def _missed(record: Mapping[str, Any], late: Mapping[str, Any] | None, say: Speech) -> str:
    facts = {"row": _row_name(record), "code": record["code"], "when": _local(record["detect_by"])}
    if late is None:
        return say("Missed: {row} - {code}, due by {when}.", **facts)
    return say(
        "Missed: {row} - {code}, due by {when}, raised at {late}: too late, so missed and false.",
        **facts,
        late=_local(late["opened_at"]),
    )


def _is_late(record: Mapping[str, Any], alert: Mapping[str, Any]) -> bool:
    """Whether an alert is about a missed record, only not in time."""
    same = (record["code"], record["subject"]) == (alert["code"], alert["subject"])
    until = max(_instant(record["end"]), _instant(record["detect_by"]) + timedelta(minutes=30))
    return same and _instant(record["start"]) <= _instant(alert["opened_at"]) <= until


def _quiet(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    disturbed = {instance for instance, _ in document["disturbed"]}
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for record in document["key"]:
        if record["kind"] == "silence":
            row = rows.setdefault(
                (record["scenario"], record["variant"]),
                {"name": _row_name(record), "title": _title_of(record), "count": 0, "disturbed": 0},
            )
            row["count"] += 1
            row["disturbed"] += record["instance"] in disturbed
    return [rows[key] for key in sorted(rows)]


def _timeline(document: Mapping[str, Any]) -> str:
    first = date.fromisoformat(document["size"]["first"])
    days = [first + timedelta(days=index) for index in range(document["size"]["days"])]
    rows: dict[str, list[tuple[float, str, str]]] = {}
    disturbed = {instance for instance, _ in document["disturbed"]}
    for record in sorted(document["key"], key=lambda each: (each["scenario"], each["start"])):
        if record["kind"] == "alert":
            state = "found" if record["instance"] in document["found"] else "missed"
            label = f"{record['scenario']} {_short(record['code'])}"
        elif record["kind"] == "campaign":
            row = next((one for one in document["campaigns"]["rows"] if one["rep"] == record["rep"]), None)
            if row is None:
                continue
            state, label = "found" if row["found"] else "missed", f"{record['scenario']} {row['style']}"
        else:
            state = "false" if record["instance"] in disturbed else "quiet"
            label = "silent variants" if record["variant"] or record["scenario"] == "C03" else "quiet rows"
        tip = f"{_row_name(record)} {_title_of(record)}: {_local(record['start'])}"
        rows.setdefault(label, []).append((_day(record["earliest"] or record["start"], first), state, tip))
    wrong = [alert for alert in document["alerts"] if document["verdicts"].get(alert["case"]) == "false positive"]
    for alert in wrong:
        rows.setdefault("false alarms", []).append(
            (_day(alert["opened_at"], first), "false", f"{alert['code']} {_local(alert['opened_at'])}")
        )
    tail = ("silent variants", "quiet rows", "false alarms")
    labels = [label for label in rows if label not in tail] + [label for label in tail if label in rows]
    return charts.timeline(
        [(label, rows[label]) for label in labels], [(f"{day:%d %b}", day.isoweekday() < 6) for day in days]
    )


def _waits(document: Mapping[str, Any]) -> list[tuple[str, list[float]]]:
    alerts = {alert["case"]: alert for alert in document["alerts"]}
    waits: dict[str, list[float]] = {}
    for record in document["key"]:
        case = document["found"].get(record["instance"])
        if case is not None:
            seconds = (_instant(alerts[case]["opened_at"]) - _instant(record["earliest"])).total_seconds()
            waits.setdefault(_short(record["code"]), []).append(seconds)
    return sorted(waits.items())


def _case(document: Mapping[str, Any]) -> dict[str, Any] | None:
    show = document["showcase"]
    if show is None:
        return None
    alert = next(alert for alert in document["alerts"] if alert["case"] == show["case"])
    record = next(record for record in document["key"] if record["instance"] == show["instance"])
    place = record["evidence"].get("category")
    stays = [
        {**stay, "about": stay["category"] == place and stay["end_s"] - stay["start_s"] > 900} for stay in show["stays"]
    ]
    facts = [
        (name, value)
        for evidence in alert["evidence"]
        for name, value in evidence["facts"].items()
        if not isinstance(value, dict | list)
    ]
    return {"alert": alert, "record": record, "show": {**show, "stays": stays}, "facts": facts}


def _title_of(record: Mapping[str, Any]) -> str:
    known = REGISTRY.get(_row_key(record))
    return known.title if known is not None else ""


def _row_key(record: Mapping[str, Any]) -> str:
    return f"{record['scenario']}/{record['variant']}" if record["variant"] else str(record["scenario"])


def _row_name(record: Mapping[str, Any]) -> str:
    return f"{record['scenario']} {record['variant']}".strip()


def _short(code: str) -> str:
    return code.split(".", 1)[-1].replace("_", " ")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _day(text: str, first: date) -> float:
    local = _instant(text).astimezone(_zone())
    return (local.date() - first).days + (local.hour * 60 + local.minute) / 1440


def _local(text: str) -> str:
    return f"{_instant(text).astimezone(_zone()):%Y-%m-%d %H:%M:%S}"


def _zone() -> Any:
    from zoneinfo import ZoneInfo

    return ZoneInfo("Asia/Shanghai")


def _dial(value: float, row: Mapping[str, Any]) -> str:
    """Return a dial's value as people say it: a share in percent, anything else with two digits."""
    return f"{value:.1%}" if row["metric"].endswith(("_rate", "_share")) else f"{value:.2f}"


def _span(stay: Mapping[str, Any]) -> str:
    begin, end = stay["start_s"], stay["end_s"]
    return f"{begin // 3600:02d}:{begin // 60 % 60:02d}\N{EN DASH}{end // 3600:02d}:{end // 60 % 60:02d}"
