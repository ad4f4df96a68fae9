"""Looks at every plugin in a process of its own, so that one that kills its process kills only that one.

The parent runs :func:`survey`; the child runs :func:`main`, tells which plugin it is about to import, and ends with one
report for each. When the child dies or falls silent, the plugin named last is the one; the parent notes it, leaves it
out, and starts again.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import IO, Any, Final, TextIO

from fieldhr_core.hooks.discovery import Candidate, builtin_candidates, installed_candidates
from fieldhr_core.hooks.plugin import PluginReport, PluginStatus

__all__ = ["main", "survey"]

#: Seconds a plugin may take to be imported and asked for its offers.
PATIENCE_S: Final = 10.0

#: The child sees the parent's path, whatever folder it starts in.
_CHILD: Final = (
    "import json, sys; request = json.loads(sys.argv[1]); sys.path[:] = request['path'];"
    "from fieldhr_core.cli.probe import main; main(request)"
)


def survey(disabled: Sequence[str] = (), patience_s: float = PATIENCE_S) -> list[PluginReport]:
    """Report on every built-in and installed plugin without importing any of them here.

    Args:
        disabled: names of plugins that are not to be imported in the child either.
        patience_s: seconds of silence after which a plugin counts as hanging.
    """
    found = [*builtin_candidates(), *installed_candidates()]
    fatal: dict[int, PluginReport] = {}
    while True:
        started, answer, end = _ask_child(found, sorted(fatal), disabled, patience_s)
        if answer is not None:
            return sorted([*answer, *fatal.values()], key=lambda report: (report.name, report.distribution))
        if started is None:
            return [*fatal.values(), *(_unseen(candidate, end) for candidate in found)]
        fatal[started] = _unseen(found[started], end)


def main(request: dict[str, Any]) -> None:
    """Import plugin after plugin and report; the child's side."""
    from fieldhr_core.hooks.loader import Registry

    # A plugin may print while it is imported; what the parent reads must be ours alone.
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    found = [Candidate(**fields) for fields in request["candidates"]]
    skipped = set(request["skip"])
    disabled = set(request["disabled"])
    wanted = [candidate for place, candidate in enumerate(found) if place not in skipped]
    for place, candidate in enumerate(found):
        if place not in skipped and not disabled & set(candidate.names()):
            _tell(channel, {"start": place})
            Registry().load_found([candidate])
    _tell(channel, {"start": None})
    registry = Registry()
    known = {name for candidate in wanted for name in candidate.names()}
    registry.load_found(wanted, disabled=sorted(disabled & known))
    _tell(channel, {"reports": [_plain(report) for report in registry.reports]})


def _ask_child(
    found: Sequence[Candidate], skip: Sequence[int], disabled: Sequence[str], patience_s: float
) -> tuple[int | None, list[PluginReport] | None, str]:
    """Return the plugin looked at last, the reports if it came to that, and how the child ended."""
    fields = ("origin", "target", "distribution", "key")
    request = {
        "path": sys.path,
        "candidates": [{name: getattr(candidate, name) for name in fields} for candidate in found],
        "skip": skip,
        "disabled": disabled,
    }
    command = [sys.executable, "-c", _CHILD, json.dumps(request)]
    child = subprocess.Popen(  # noqa: S603 - our own interpreter and code
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    )
    assert child.stdout is not None
    started: int | None = None
    try:
        for line in _lines(child.stdout, patience_s):
            told = json.loads(line)
            if "reports" in told:
                return started, [_report(fields) for fields in told["reports"]], ""
            started = told["start"]
        return started, None, _how_it_ended(child.wait(patience_s))
    except (queue.Empty, subprocess.TimeoutExpired):
        return started, None, f"It was not done after {patience_s:g} s."
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def _lines(stream: IO[str], patience_s: float) -> Iterator[str]:
    """Yield lines as they come; queue.Empty where none comes in time."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        with contextlib.suppress(ValueError):  # closed by whoever waited too long
            for line in stream:
                lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while (line := lines.get(timeout=patience_s)) is not None:
        yield line


def _how_it_ended(status: int) -> str:
    if status < 0:
        with contextlib.suppress(ValueError):
            return f"It ended its process by {signal.Signals(-status).name}."
    return f"It ended its process with exit status {status}."


def _unseen(candidate: Candidate, end: str) -> PluginReport:
    name = candidate.names()[0]
    return PluginReport(
        name=name,
        distribution=candidate.distribution,
        status=PluginStatus.FAILED,
        reason=end,
        fix=f"Mend or reinstall {candidate.distribution}, or {candidate.way_out(name)}",
    )


def _plain(report: PluginReport) -> dict[str, Any]:
    import attrs

    return attrs.asdict(report)


def _report(fields: dict[str, Any]) -> PluginReport:
    known = {"status": PluginStatus(fields["status"]), "families": tuple(fields["families"])}
    return PluginReport(**(fields | known))


def _tell(channel: TextIO, what: dict[str, Any]) -> None:
    channel.write(json.dumps(what) + "\n")
    channel.flush()
