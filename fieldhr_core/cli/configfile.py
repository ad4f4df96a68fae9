"""``fieldhr.toml`` in the working folder: read by the command line only, never by the library."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from fieldhr_core.errors import ConfigError

__all__ = ["FILE_NAME", "disabled_plugins", "write_disabled_plugins"]

#: Name of the file.
FILE_NAME: Final = "fieldhr.toml"

_DISABLED: Final = re.compile(r"^disabled[ \t]*=[ \t]*\[[^\]]*\][^\n]*\n?", re.MULTILINE)


def disabled_plugins(folder: Path | None = None) -> tuple[str, ...]:
    """Return the key ``disabled``: names of plugins that are not to be imported.

    Raises:
        ConfigError: FHR-CFG-001 where the file is no TOML or the key no list of texts.
    """
    return _disabled_in(_read(folder))


def write_disabled_plugins(names: Iterable[str], folder: Path | None = None) -> Path:
    """Set the key ``disabled`` and leave the rest of the file as it is; return its path.

    Raises:
        ConfigError: FHR-CFG-001 where the file is written in a way that cannot be changed safely.
    """
    wanted = tuple(sorted(set(names)))
    text = _read(folder)
    _disabled_in(text)
    line = f"disabled = {json.dumps(wanted, ensure_ascii=False)}\n" if wanted else ""
    # In front where it is new: after the first [table] header it would belong to that table.
    changed = _DISABLED.sub(lambda _: line, text, count=1) if _DISABLED.search(text) else line + text
    if _disabled_in(changed) != wanted:
        raise _unfit("its key 'disabled' is written in an unusual way")
    path = _path(folder)
    import tempfile

    # Written beside and moved, so that a full disk leaves the old file.
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=FILE_NAME, delete=False) as file:
        file.write(changed)
    try:
        Path(file.name).replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            Path(file.name).unlink()
        raise
    return path


def _path(folder: Path | None) -> Path:
    return (folder or Path.cwd()) / FILE_NAME


def _read(folder: Path | None) -> str:
    try:
        return _path(folder).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as cause:
        raise _unfit(str(cause)) from cause


def _disabled_in(text: str) -> tuple[str, ...]:
    if not text.strip():
        return ()
    import tomllib

    try:
        found: Any = tomllib.loads(text).get("disabled", [])
    except tomllib.TOMLDecodeError as cause:
        raise _unfit(str(cause)) from cause
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise _unfit("its key 'disabled' is no list of texts")
    return tuple(found)


def _unfit(what: str) -> ConfigError:
    return ConfigError(
        f"{FILE_NAME} cannot be used: {what}.",
        code="FHR-CFG-001",
        hint=f'Correct it by hand, for example: disabled = ["acme.crm"]; or remove {FILE_NAME}.',
    )
