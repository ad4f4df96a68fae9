"""What a vendor ships along with us must be free of obligations they did not expect."""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import Path

import pytest

#: Licences that ask for no more than their own text to be kept.
PERMISSIVE = (
    "MIT",
    "BSD",
    "Apache",
    "ISC",
    "PSF",
    "Python Software Foundation",
    "MPL",
    "Mozilla",
    "HPND",
    "Zlib",
    "0BSD",
)

#: Direct dependencies under another licence, each with the reason why that is all right.
EXCEPTIONS = {
    "psycopg": "LGPL-3.0: a driver, only with the extra postgresql, used unmodified through its interface",
}


def _direct() -> list[str]:
    """Return direct dependencies of what users install: the base and every extra but the tests' own."""
    metadata = importlib.metadata.metadata("fieldhr")
    lines = [line for line in metadata.get_all("Requires-Dist") or () if 'extra == "tests"' not in line]
    names = {match[0].lower() for line in lines if (match := re.match(r"[A-Za-z0-9_.-]+", line))}
    return sorted(names - {"fieldhr"})


def _licence(name: str) -> str:
    metadata = importlib.metadata.metadata(name)
    classifiers = [c for c in metadata.get_all("Classifier") or () if c.startswith("License ::")]
    named = metadata.get("License-Expression") or (metadata.get("License") or "").split("\n")[0]
    return "; ".join([named, *classifiers])


@pytest.mark.parametrize("name", _direct())
def test_direct_dependencies_are_permissive(name: str) -> None:
    licence = _licence(name)
    if name in EXCEPTIONS:
        assert EXCEPTIONS[name].split(":")[0].split("-")[0] in licence
        return
    assert any(word.lower() in licence.lower() for word in PERMISSIVE), licence
    assert not re.search(r"\bA?GPL", licence), licence


def test_exceptions_are_named_in_the_notice(checkout: Path) -> None:
    notice = (checkout / "NOTICE").read_text(encoding="utf-8")
    assert [name for name in EXCEPTIONS if name not in notice] == []
