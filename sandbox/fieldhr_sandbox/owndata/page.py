"""The pages of a trial on own files: what was read, what was seen, and what cannot be known without a key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from fieldhr_core import paper
from fieldhr_core.paper import Cell, Markup, escaped
from fieldhr_core.paper.markup import joined
from fieldhr_sandbox.buyer.speech import Speech

__all__ = ["write_own_pages"]

_PAGES: Final = {"en": "own.html", "zh-Hans": "own.zh-Hans.html"}


def write_own_pages(document: Mapping[str, Any], out: Path) -> list[Path]:
    """Write the report on own files in each language and return the paths, English first."""
    paths = []
    for language, name in _PAGES.items():
        path = out / name
        path.write_text(_page(document, Speech(language)), encoding="utf-8")
        paths.append(path)
    return paths


def _page(document: Mapping[str, Any], say: Speech) -> str:
    parts = [
        _heading("h1", say("Your own data through the product")),
        _paragraph(
            say(
                "{reps} reps, {days} days with positions, {customers} customers. Nothing left this machine.",
                reps=len(document["reps"]),
                days=len(document["days"]),
                customers=document["customers"]["stored"],
            )
        ),
        _heading("h2", say("What cannot be measured")),
        _paragraph(
            say(
                "There is no answer key for real days: whether an alert is right, and what was missed, only people who "
                "know those days can say. Of planted cases alone it is known whether they were found."
            )
        ),
        *_planted(document, say),
        *_shifted(document, say),
        *_faults(document, say),
        _heading("h2", say("What was raised")),
        paper.table(
            [say("Code"), Cell(say("Alerts"), "num")],
            [[code, count] for code, count in document["alerts"].items()] or [[say("none"), 0]],
            label=say("What was raised"),
        ),
        _heading("h2", say("Days")),
        paper.table(
            [
                say("Rep"),
                say("Date"),
                Cell(say("Positions"), "num"),
                Cell(say("Stays"), "num"),
                Cell(say("Visits"), "num"),
                Cell(say("Unknown share of duty"), "num"),
            ],
            [
                [
                    day["rep"],
                    day["date"],
                    day["fixes"],
                    day["stays"],
                    day["visits"],
                    "—" if day["unknown_share"] is None else f"{day['unknown_share']:.0%}",
                ]
                for day in document["days"]
            ],
            label=say("Days"),
        ),
        _heading("h2", say("What was read")),
        paper.table(
            [
                say("What"),
                *(Cell(say(name), "num") for name in ("submitted", "stored", "duplicates", "quarantined", "rejected")),
            ],
            [[say(kind), *_numbers(document[kind])] for kind in ("customers", "positions")],
            label=say("What was read"),
        ),
        *_refused(document, say),
    ]
    body = joined(Markup('<main class="narrow">'), *parts, Markup("</main>"))
    return paper.page(say("Your own data through the product"), body, language=say.language)


def _shifted(document: Mapping[str, Any], say: Speech) -> list[Markup]:
    """Say that addresses and tracks lie apart as two datums do, where they do."""
    if document.get("shift") is None:
        return []
    said = say(
        "{count} stays lie {metres} m from the nearest customer, all towards {bearing_deg}°: one of the files may name "
        "the wrong datum. Where Chinese maps were used, that is GCJ-02 or BD-09, not WGS-84.",
        **document["shift"],
    )
    return [Markup(Markup("<p><strong>{}</strong></p>").format(said))]


def _faults(document: Mapping[str, Any], say: Speech) -> list[Markup]:
    """Name what a plugin, a phrase list or a connector of one's own could not do."""
    return [
        Markup(
            Markup("<p><strong>{}</strong></p>").format(
                say("{plugin} ({provider}) failed {count} times, so nothing of it was checked: {detail}", **fault)
            )
        )
        for fault in document.get("faults", ())
    ]


def _planted(document: Mapping[str, Any], say: Speech) -> list[Markup]:
    if not document["planted"]:
        return []
    rows = [[code, f"{one['found']} / {one['planted']}"] for code, one in document["planted"].items()]
    silences = document["silences"]
    rows.append(
        [say("look-alikes left alone"), f"{silences['planted'] - silences['disturbed']} / {silences['planted']}"]
    )
    note = say("Planted on top of your data, and simulated: check-ins sent from elsewhere, and messages.")
    return [
        _heading("h2", say("Planted and found")),
        _paragraph(note),
        paper.table([say("Code"), Cell(say("Found"), "num")], rows, label=say("Planted and found")),
    ]


def _refused(document: Mapping[str, Any], say: Speech) -> list[Markup]:
    reasons = {**document["customers"]["reasons"], **document["positions"]["reasons"], **document["refused_files"]}
    if not reasons:
        return []
    rows = [[reason, count] for reason, count in sorted(reasons.items())]
    return [paper.table([say("Reason"), Cell(say("Count or file's reason"), "num")], rows, caption=say("Not taken"))]


def _numbers(receipt: Mapping[str, Any]) -> list[Any]:
    return [receipt[name] for name in ("submitted", "stored", "deduplicated", "quarantined", "rejected")]


def _heading(level: str, text: str) -> Markup:
    return Markup(f"<{level}>{escaped(text)}</{level}>")


def _paragraph(text: str) -> Markup:
    return Markup(f"<p>{escaped(text)}</p>")
