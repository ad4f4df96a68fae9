"""A real Tryton is the host: its transaction stays its own while check-ins are recorded in it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

import fieldhr_core

pytestmark = [pytest.mark.req("G1", "G3", "G4"), pytest.mark.slow]

INSIDE = Path(__file__).with_name("inside_fieldhr.py")


def run(*command: Any, **options: Any) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stderr[-3000:] or done.stdout[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def told(tryton_home: Any, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Tryton saw: a copy of its environment's packages beside the module and our own, and of its database."""
    folder = tmp_path_factory.mktemp("embedded")
    source = checkout / "plugins" / "trytond_fieldhr"
    site = folder / "site"
    python = tryton_home.python
    built = folder / "source"
    shutil.copytree(source, built)
    # Beside Tryton's own packages, not among them: the cached environment stays as it is.
    run(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", site, built)
    ours = [Path(fieldhr_core.__file__).parents[1], *map(Path, [sysconfig.get_path("purelib")])]
    ours += [Path(entry) for entry in sys.path if entry.endswith(("site-packages", "plugins", "sandbox"))]
    listed = "\n".join(dict.fromkeys(str(path) for path in ours))
    (site / "ours.pth").write_text(listed + "\n")
    start = "import site, sys; site.addsitedir(sys.argv[1]); sys.argv = sys.argv[2:]; import runpy; "
    config = folder / "trytond.conf"
    config.write_text(
        f"[database]\nuri = sqlite://\npath = {folder}\n[password]\nlength = 4\n"
        f"[fieldhr]\nkey_file = {folder / 'fieldhr.keys'}\n"
    )
    shutil.copy(tryton_home.database, folder / "erp.sqlite")
    run(
        *(python, "-c", start + "runpy.run_path(sys.argv[0], run_name='__main__')", site),
        *(python.with_name("trytond-admin"), "-c", config, "-d", "erp", "-u", "fieldhr"),
        env={**os.environ, "TRYTONPASSFILE": os.devnull},
    )
    answer = run(
        *(python, "-c", start + "runpy.run_path(sys.argv[0], run_name='__main__')", site, INSIDE, config),
        input=json.dumps(tryton_home.seed),
    )
    found: dict[str, Any] = json.loads(answer.splitlines()[-1])
    return found


def test_a_check_in_is_answered_within_the_hosts_transaction(told: dict[str, Any]) -> None:
    verdict, reason, need = told["answer"]
    assert (verdict, need) == ("at", "Customer 0 - open a futures account")
    assert reason.startswith("checkin.")
    assert told["verdicts"] == ["at", "away"]


def test_the_hosts_rollback_takes_ours_along(told: dict[str, Any]) -> None:
    assert told["inside"] == [1, 1], "both are seen in the transaction that wrote them"
    assert told["after rollback"] == [0, 0]


def test_the_hosts_commit_keeps_both(told: dict[str, Any]) -> None:
    assert told["after commit"] == [1, 2]


def test_what_we_refuse_undoes_nothing_of_the_hosts(told: dict[str, Any]) -> None:
    assert told["refused"] == "ValidationError"
    assert told["host row after a refusal"] == 2
    assert told["after a refusal"] == [2, 2]


def test_naive_pooling_would_have_lost_the_hosts_row(told: dict[str, Any]) -> None:
    before, after = told["naive pooling"]
    assert (before, after) == (3, 2), "if this no longer holds, the care taken in house.py is no longer needed"


def test_the_module_is_no_part_of_our_distribution(checkout: Path) -> None:
    module = checkout / "plugins" / "trytond_fieldhr"
    assert "GNU GENERAL PUBLIC LICENSE" in (module / "LICENSE").read_text(encoding="utf-8")
    assert "trytond_fieldhr" not in [path.name for path in Path(fieldhr_core.__file__).parents[1].glob("trytond*")]
    licence = hashlib.sha256((module / "LICENSE").read_bytes()).hexdigest()
    assert licence.startswith(("3972dc", "8ceb4b")), "the licence's text, as the FSF has it"
