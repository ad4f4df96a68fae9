"""The three questions as the report shows them: rows of texts in one language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldhr_sandbox.buyer.fit import fit
from fieldhr_sandbox.buyer.promises import promises
from fieldhr_sandbox.buyer.speech import Speech

__all__ = ["questions"]


def questions(document: Mapping[str, Any], say: Speech) -> dict[str, Any]:
    """Return ``fit``, ``safety`` and ``ease`` of a trial's document; each is empty where the run did not ask."""
    asked = "proofs" in document
    return {
        "fit": _fit(document, say) if asked and not document["sealed"] else [],
        "safety": _safety(document, say),
        "ease": _ease(document, say) if asked else [],
    }


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
                "evidence": "; ".join(evidence) or "—",
            }
        )
    return rows


def _safety(document: Mapping[str, Any], say: Speech) -> dict[str, Any]:
    found = document.get("safety")
    if not found:
        return {}
    order = {"fail": 0, "unshown": 1, "host": 2, "pass": 3}
    rows = found["rows"].get(say.language, found["rows"]["en"])
    return {"counts": found["counts"], "rows": sorted(rows, key=lambda row: order[row["status"]])}


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
