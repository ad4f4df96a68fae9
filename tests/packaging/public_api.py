"""The golden file of the public interface: ``python tests/packaging/public_api.py`` writes it anew.

It holds what others may rely on: the names in ``__all__`` of the core's public modules with their signatures, the
hooks, error codes, commands, and of each built-in plugin its settings and alert codes. Modules of built-in plugins
and of the sandbox are not part of it: they are reached through hooks and commands only.
"""

from __future__ import annotations

import enum
import importlib
import importlib.util
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

import fieldhr_core
from fieldhr_core.errors import CATALOGUE
from fieldhr_core.hooks import PLUGIN_API, RegistrationContext, Specs
from fieldhr_core.model import Schema

HERE = Path(__file__).resolve().parent
GOLDEN = HERE / "public_api.txt"


def render() -> str:
    """Return the public interface as text, one fact a line."""
    lines = ["# Written by tests/packaging/public_api.py; a change here needs a changelog fragment."]
    for module in _public_modules():
        names = sorted(getattr(module, "__all__", ()))
        if names:
            lines += ["", f"[module {module.__name__}]"]
            for name in names:
                lines += _described(name, getattr(module, name))
    lines += ["", f"[hooks, PLUGIN_API {PLUGIN_API}]"]
    lines += [f"{name}{_signature(hook)}" for name, hook in sorted(vars(Specs).items()) if name.startswith("fieldhr_")]
    lines += ["", "[error codes]", *sorted(CATALOGUE)]
    generator = _reference_generator()
    lines += ["", "[commands]", *(f"fieldhr {' '.join(command.path)}" for command in generator.commands())]
    for module, plugin in generator.plugins():
        lines += ["", f"[plugin {plugin.name}]"]
        if plugin.settings is not None:
            lines += [f"setting {field.name}: {_text(field.type)}" for field in attrs.fields(plugin.settings)]
        lines += [f"alert {code}" for code in sorted(_alert_codes(module, plugin.settings))]
    return "\n".join(lines) + "\n"


def _public_modules() -> Iterator[ModuleType]:
    yield fieldhr_core
    found = pkgutil.walk_packages(fieldhr_core.__path__, "fieldhr_core.")
    for name in sorted(module.name for module in found if "._" not in module.name and ".migrations" not in module.name):
        yield importlib.import_module(name)


def _described(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, type) and issubclass(value, enum.Enum):
        yield f"enum {name}: {', '.join(f'{member.name}={member.value!r}' for member in value)}"
    elif isinstance(value, type):
        yield f"class {name}{_signature(value)}"
        for attribute, member in sorted(vars(value).items()):
            if attribute.startswith("_"):
                continue
            if isinstance(member, property):
                yield f"    {name}.{attribute}: property"
            elif isinstance(member, (classmethod, staticmethod)) or inspect.isfunction(member):
                kind = "" if inspect.isfunction(member) else f"{type(member).__name__} "
                yield f"    {kind}{name}.{attribute}{_signature(getattr(value, attribute))}"
    elif isinstance(value, Schema):
        yield f"table {name}: {', '.join(f'{column.name} {column.kind}' for column in value.columns)}"
    elif inspect.isroutine(value):
        yield f"def {name}{_signature(value)}"
    elif isinstance(value, (str, int, float)):
        yield f"constant {name} = {value!r}"
    else:
        yield f"name {name}: {type(value).__name__}"


def _signature(value: Any) -> str:
    try:
        return _text(inspect.signature(value))
    except (TypeError, ValueError):
        return "(...)"


def _text(value: Any) -> str:
    return re.sub(r" at 0x[0-9a-f]+", "", value if isinstance(value, str) else str(value)).replace("'", "")


def _alert_codes(module: Any, settings: type[Any] | None) -> set[str]:
    register = getattr(module, "fieldhr_register_alerters", None)
    if register is None:
        return set()
    wanted = inspect.signature(register).parameters
    offers = register(**{"context": RegistrationContext()} if "context" in wanted else {})
    value = settings() if settings is not None else None
    return {code for offer in offers if offer.role == "find" for code in offer.make(value).codes}


def _reference_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fieldhr_docs_generate", HERE.parents[1] / "docs" / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    GOLDEN.write_text(render(), encoding="utf-8")
    sys.stdout.write(f"written: {GOLDEN}\n")
