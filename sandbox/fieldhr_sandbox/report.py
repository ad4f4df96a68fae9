"""The trial report as one page: no scripts, no network, light, dark and print."""

from __future__ import annotations

from pathlib import Path

__all__ = ["write_page"]


def write_page(out: Path) -> Path:
    """Write ``report.html`` beside the ``report.json`` in *out* and return its path.

    Raises:
        SandboxError: FHR-SBX-002 where *out* holds no trial.
        MissingDependencyError: FHR-CFG-010 where jinja2 is not installed.
    """
    from fieldhr_core.errors import MissingDependencyError
    from fieldhr_sandbox.page import render
    from fieldhr_sandbox.trial import read_report

    document = read_report(out)
    try:
        text = render(document)
    except ModuleNotFoundError as missing:
        if missing.name != "jinja2":
            raise
        raise MissingDependencyError("jinja2", "trial") from missing
    path = out / "report.html"
    path.write_text(text, encoding="utf-8")
    return path
