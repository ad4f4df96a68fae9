"""``fieldhr plugins new``: writes a plugin that works, in a distribution of its own."""

from __future__ import annotations

import importlib.resources
import re
from pathlib import Path
from string import Template
from typing import Final

import attrs

from fieldhr_core.errors import ConfigError

__all__ = ["FAMILIES", "write_project"]

#: What can be written, by the family's name in the singular.
FAMILIES: Final = ("locator", "connector", "scorer", "alerter", "check", "application")

_NAME: Final = re.compile(r"([a-z][a-z0-9]*)[-._]([a-z][a-z0-9]*(?:[-._][a-z0-9]+)*)")


@attrs.frozen(kw_only=True)
class _Names:
    """One name in every spelling a project needs."""

    distribution: str
    package: str
    plugin: str
    feature: str
    title: str


def write_project(name: str, family: str, folder: Path | None = None) -> Path:
    """Write a plugin project and return its folder.

    Args:
        name: vendor and feature, joined by ``-``, ``.`` or ``_``: ``acme-crm``.
        family: one of :data:`FAMILIES`.
        folder: where; it must not exist or be empty. By default the distribution's name in the working folder.

    Raises:
        ConfigError: FHR-CLI-001 where the name does not fit or the folder is not empty.
    """
    names = _names(name)
    target = folder if folder is not None else Path(names.distribution)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError(
            f"{target} is already there.", code="FHR-CLI-001", hint="Choose another folder with --dir, or remove it."
        )
    for path, text in _files(names, family).items():
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    return target


def _names(name: str) -> _Names:
    found = _NAME.fullmatch(name.lower())
    if found is None:
        raise ConfigError(
            f"{name!r} does not say vendor and feature.",
            code="FHR-CLI-001",
            hint="Join the two with a hyphen, in ASCII letters and digits: fieldhr plugins new acme-crm",
        )
    vendor, feature = found[1], re.sub(r"[-._]", "_", found[2])
    if vendor == "fieldhr":
        raise ConfigError(
            "Names that begin with 'fieldhr' are the built-in plugins'.",
            code="FHR-CLI-001",
            hint="Begin with your own name: fieldhr plugins new acme-crm",
        )
    return _Names(
        distribution=f"{vendor}-{feature}".replace("_", "-"),
        package=f"{vendor}_{feature}",
        plugin=f"{vendor}.{feature}",
        feature=feature,
        title=feature.replace("_", " ").title().replace(" ", ""),
    )


def _files(names: _Names, family: str) -> dict[str, str]:
    templates = importlib.resources.files("fieldhr_core.cli") / "templates"

    def render(template: str) -> str:
        text = (templates / template).read_text(encoding="utf-8")
        return Template(text).substitute(
            attrs.asdict(names), family=family, article="An" if family[0] in "aeiou" else "A"
        )

    source = f"src/{names.package}"
    return {
        "pyproject.toml": render("pyproject.toml.tmpl"),
        "README.md": render("README.md.tmpl"),
        f"{source}/__init__.py": render(f"{family}/register.py.tmpl"),
        f"{source}/{family}.py": render(f"{family}/provider.py.tmpl"),
        f"{source}/py.typed": "",
        "tests/conftest.py": render("conftest.py.tmpl"),
        f"tests/test_{names.feature}.py": render(f"{family}/test.py.tmpl"),
    }
