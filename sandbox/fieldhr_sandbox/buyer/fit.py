"""Does it fit: every promised row with what this run has shown of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fieldhr_sandbox.buyer.promises import promises
from fieldhr_sandbox.scenarios import REGISTRY

__all__ = ["NOT_BUILT", "fit", "packs_that_try"]

#: Rows of which no part is there yet.
NOT_BUILT: Final = ("D1", "D2", "D3", "D4", "D5", "D6", "F1", "F2", "F3")


def fit(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one row a promise: ``row``, ``area``, ``planted``, ``found``, ``silent``, ``kept``, ``proofs``, ``state``.

    The state is ``shown`` where everything this run tried of it came out as promised, ``failed`` where something did
    not, ``untried`` where this run has nothing of it, and ``not_built``.
    """
    planted = _planted(document)
    proofs: dict[str, list[Mapping[str, Any]]] = {}
    for proof in document.get("proofs", ()):
        proofs.setdefault(proof["row"], []).append(proof)
    rows = []
    for area, known in promises().items():
        for row in known:
            if row == "title":
                continue
            counts = planted.get(row, dict.fromkeys(("planted", "found", "silent", "kept"), 0))
            mine = proofs.get(row, [])
            rows.append({"row": row, "area": area, **counts, "proofs": mine, "state": _state(row, counts, mine)})
    return rows


def packs_that_try(row: str, most: int = 2) -> list[str]:
    """Return the smallest packs in which something of a promise is planted."""
    from fieldhr_sandbox.catalogue import plantings_of
    from fieldhr_sandbox.packs import PACKS

    trying = [
        pack
        for pack in PACKS.values()
        if any(row in REGISTRY[key].req for key, count in plantings_of(pack) if count and key in REGISTRY)
    ]
    return [pack.name for pack in sorted(trying, key=lambda pack: pack.reps * pack.days)[:most]]


def _state(row: str, counts: Mapping[str, int], proofs: Sequence[Mapping[str, Any]]) -> str:
    if row in NOT_BUILT:
        return "not_built"
    tried = counts["planted"] + counts["silent"] + len(proofs)
    if not tried:
        return "untried"
    missed = counts["planted"] - counts["found"] + counts["silent"] - counts["kept"]
    return "failed" if missed or not all(proof["holds"] for proof in proofs) else "shown"


def _planted(document: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Return promise -> how much of it was planted and how it came out, read off the answer key's records."""
    found, disturbed = set(document["found"]), {instance for instance, _ in document["disturbed"]}
    rows: dict[str, dict[str, int]] = {}
    for record in document["key"]:
        key = f"{record['scenario']}/{record['variant']}" if record["variant"] else record["scenario"]
        scenario = REGISTRY.get(key)
        for row in () if scenario is None else scenario.req:
            counts = rows.setdefault(row, dict.fromkeys(("planted", "found", "silent", "kept"), 0))
            if record["kind"] == "alert":
                counts["planted"] += 1
                counts["found"] += record["instance"] in found
            elif record["kind"] == "silence":
                counts["silent"] += 1
                counts["kept"] += record["instance"] not in disturbed
    return rows
