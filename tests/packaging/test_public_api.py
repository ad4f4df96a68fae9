"""The public interface changes on purpose or not at all."""

from __future__ import annotations

import difflib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def test_public_api_is_what_the_golden_file_says(tmp_path: Path) -> None:
    # A process of its own: importing every module must not change what the other tests see.
    code = f"import runpy, sys; sys.stdout.write(runpy.run_path({str(HERE / 'public_api.py')!r})['render']())"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    golden = (HERE / "public_api.txt").read_text(encoding="utf-8")
    difference = "\n".join(
        difflib.unified_diff(golden.splitlines(), done.stdout.splitlines(), "public_api.txt", "code", lineterm="", n=1)
    )
    assert not difference, (
        f"{difference}\n\nIf this is meant: python tests/packaging/public_api.py, and a changelog fragment."
    )
