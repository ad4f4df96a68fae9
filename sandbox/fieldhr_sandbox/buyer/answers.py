"""The three questions as the report shows them: rows of texts in one language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldhr_sandbox.buyer.fit import fit, packs_that_try
from fieldhr_sandbox.buyer.promises import promises
from fieldhr_sandbox.buyer.speech import Speech

__all__ = ["questions"]


def questions(document: Mapping[str, Any], say: Speech) -> dict[str, Any]:
    """Return ``glance``, ``fit``, ``safety`` and ``ease`` of a trial's document; empty where the run did not ask."""
    asked = "proofs" in document
    return {
        "glance": _glance(document, say) if asked and not document["sealed"] else [],
        "fit": _fit(document, say) if asked and not document["sealed"] else [],
        "safety": _safety(document, say),
        "ease": _ease(document, say) if asked else [],
    }


def _glance(document: Mapping[str, Any], say: Speech) -> list[tuple[str, str, bool]]:
    """Return (question, answer in one line, whether something failed) for each of the three questions."""
    states = [row["state"] for row in fit(document)]
    count = {name: states.count(name) for name in ("shown", "failed", "untried", "not_built")}
    lines = [
        (
            say("Does it fit?"),
            say(
                "Of {all} promised rows this run showed {shown}; {failed} failed, {untried} it did not try, "
                "{not_built} are not built.",
                all=len(states),
                **count,
            ),
            count["failed"] > 0,
        )
    ]
    if document.get("safety"):
        counts = document["safety"]["counts"]
        lines.append(
            (
                say("Is it safe?"),
                say(
                    "{passed} controls passed, {failed} failed, {unshown} cannot be shown here, "
                    "{host} are the host's duty.",
                    passed=counts["pass"],
                    failed=counts["fail"],
                    unshown=counts["unshown"],
                    host=counts["host"],
                ),
                counts["fail"] > 0,
            )
        )
    facts = {proof["key"]: proof["facts"] for proof in document["proofs"]}
    if "check_in" in facts and "day_report" in facts:
        lines.append(
            (
                say("Is it easy?"),
                say(
                    "One tap for a check-in, answered in {check_in} ms; anybody's day in {day} ms.",
                    check_in=facts["check_in"]["median_ms"],
                    day=facts["day_report"]["median_ms"],
                ),
                False,
            )
        )
    return lines


def _fit(document: Mapping[str, Any], say: Speech) -> list[dict[str, str]]:
    known = promises()
    rows = []
    for row in fit(document):
        evidence = []
        if row["planted"]:
            evidence.append(
                say("{found} of {planted} planted instances found", found=row["found"], planted=row["planted"])
            )
        if row["silent"]:
            evidence.append(say("{kept} of {silent} look-alikes left alone", kept=row["kept"], silent=row["silent"]))
        evidence += [say(f"proof.{proof['key']}", **proof["facts"]) for proof in row["proofs"]]
        text = known[row["area"]][row["row"]]
        rows.append(
            {
                "row": row["row"],
                "promise": text.get(say.language, text["en"]),
                "state": row["state"],
                "evidence": "; ".join(evidence) or _elsewhere(row, say),
            }
        )
    return rows


def _elsewhere(row: Mapping[str, Any], say: Speech) -> str:
    """Return where a row is tried that this run did not touch."""
    if row["state"] != "untried":
        return "—"
    packs = packs_that_try(row["row"])
    return (
        say("tried by: fieldhr trial run {packs}", packs=", ".join(packs)) if packs else say("shown by the tests only")
    )


def _safety(document: Mapping[str, Any], say: Speech) -> dict[str, Any]:
    found = document.get("safety")
    if not found:
        return {}
    order = {"fail": 0, "unshown": 1, "host": 2, "pass": 3}
    rows = found["rows"].get(say.language, found["rows"]["en"])
    standards: dict[str, dict[str, Any]] = {}
    for row in rows:
        counts = standards.setdefault(row["standard"], {"standard": row["standard"], **dict.fromkeys(order, 0)})
        counts[row["status"]] += 1
    return {
        "counts": found["counts"],
        "standards": list(standards.values()),
        "rows": sorted(rows, key=lambda row: order[row["status"]]),
    }


def _ease(document: Mapping[str, Any], say: Speech) -> list[tuple[str, str]]:
    facts = {proof["key"]: proof["facts"] for proof in document["proofs"]}
    rows = []
    for key, label in (
        ("check_in", "A check-in answered with the customer's name and need"),
        ("day_report", "Any day of anybody on the desk"),
    ):
        if key in facts:
            one = facts[key]
            timed = {"median": one["median_ms"], "longest": one["longest_ms"], "count": one["count"]}
            rows.append((say(label), say("median {median} ms, longest {longest} ms of {count}", **timed)))
    if "own_view" in facts:
        one = facts["own_view"]
        said = say("{kb} kB in {seconds} s", kb=one["kb"], seconds=one["seconds"])
        rows.append((say("Everything held about one rep, in one file"), said))
    taps = say("one; shown by the browser tests, not by this run")
    rows.append((say("Taps for a check-in on the phone page"), taps))
    return rows
