"""How soon the largest page is there: a team of 200, rendered, and together with what it needs of an SQLite store."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from figure import Figure

RUNS = 40
SIZE = 200


def measure() -> list[Figure]:
    """Render the page as a manager of all of them sees it, from a board at hand; then with reading and writing."""
    from fieldhr_plugins.console.pages import shell, team
    from fieldhr_plugins.console.pages.asking import Asked
    from fieldhr_plugins.console.pages.routes import Request, respond
    from fieldhr_plugins.console.pages.speech import Speech

    made = _team()
    with tempfile.TemporaryDirectory() as folder, made.open_team(Path(folder) / "team.db", SIZE) as hr:
        with hr.acting_as(made.MANAGER, purpose="supervision") as desk:
            board, cases = desk.boards.team(), desk.boards.cases(limit=6)

        class Given:
            class boards:  # noqa: N801 - stands for the desk's room
                team = staticmethod(lambda _day=None: board)
                cases = staticmethod(lambda **_: cases)
                customers = staticmethod(lambda _wanted: dict[str, object]())
                settings_of = staticmethod(lambda _plugin: None)

        asked = Asked(path="/", principal=made.MANAGER, speech=Speech(zone="Asia/Shanghai"))
        given: Any = Given
        rendered = _p95(lambda: shell.page(asked, team.render(given, asked)))
        whole = _p95(lambda: respond(hr, Request(principal=made.MANAGER)))
        admin = _p95(lambda: respond(hr, Request(principal=made.ADMIN)))
    how = f"{SIZE} people, CPU time, 95th percentile of {RUNS}"
    return [
        Figure(name="team page rendered", value=rendered, unit="ms", bar=20, at_most=True, how=how),
        Figure(name="team page with its data, manager", value=whole, unit="ms", how=f"{how}; the tree walked, audited"),
        Figure(name="team page with its data, administrator", value=admin, unit="ms", how=f"{how}; audited"),
    ]


def _p95(work: Callable[[], object]) -> float:
    work()
    taken = []
    for _ in range(RUNS):
        start = time.process_time()
        work()
        taken.append((time.process_time() - start) * 1000)
    return sorted(taken)[int(len(taken) * 0.95)]


def _team() -> ModuleType:
    path = Path(__file__).resolve().parents[1] / "tests" / "pages" / "console_team.py"
    spec = importlib.util.spec_from_file_location("fieldhr_bench_team", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
