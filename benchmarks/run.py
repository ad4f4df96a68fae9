"""Measure every speed bar beside a named peer: ``python benchmarks/run.py [NAME...] [--json FILE]``.

Prints a table and writes JSON. Exit 1 where a bar is missed. One module a subject; each defines ``measure()``.
A peer that is not installed is skipped with the reason: the dependency group ``bench`` brings those there are.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
from pathlib import Path

import attrs
from figure import Figure

MODULES = (
    *("importing", "guarding", "ingest", "postgresql", "blocks"),
    *("resolving", "visiting", "trackers", "matching", "conduct", "screening", "wall", "pages", "serving"),
    *("scoring", "trust"),
)


def main(arguments: list[str] | None = None) -> int:
    """Run the named modules, all without names; return the exit status."""
    parser = argparse.ArgumentParser(description="Measure the speed bars.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(MODULES)}")
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="where the figures are written")
    chosen = parser.parse_args(arguments)
    figures: list[Figure] = []
    for name in chosen.names or MODULES:
        print(f"measuring {name} ...", file=sys.stderr)
        figures += importlib.import_module(name).measure()
    print(_table(figures))
    machine = {"python": platform.python_version(), "machine": platform.machine(), "cpus": os.cpu_count()}
    record = {"machine": machine, "figures": [{**attrs.asdict(f), "passes": f.passes} for f in figures]}
    chosen.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return 1 if any(figure.passes is False for figure in figures) else 0


def _table(figures: list[Figure]) -> str:
    rows = [("figure", "value", "bar", "", "beside", "how")]
    words = {True: "pass", False: "FAIL", None: ""}
    for f in figures:
        bar = "" if f.bar is None else f"{'<=' if f.at_most else '>='} {f.bar:g}"
        passes = "skipped" if f.value is None else words[f.passes]
        rows.append((f.name, _shown(f), bar, passes, f.peer, f.how))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _shown(figure: Figure) -> str:
    if figure.value is None:
        return "-"
    number = f"{figure.value:,.0f}" if figure.value >= 1000 else f"{figure.value:.3g}"
    return f"{number} {figure.unit}".rstrip()


if __name__ == "__main__":
    sys.exit(main())
