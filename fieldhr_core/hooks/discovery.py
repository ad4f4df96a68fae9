"""Where plugins come from: an explicit list, the entry points of installed distributions, the built-in table.

Nothing is imported here. A :class:`Candidate` says under which names a plugin is known before its module was ever
run, so that it can be switched off without running it.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Iterable
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import attrs

from fieldhr_core.hooks.builtin import BUILTIN

__all__ = [
    "ENTRY_POINT_GROUP",
    "Candidate",
    "Origin",
    "builtin_candidates",
    "candidates",
    "installed_candidates",
    "name_in_source",
]

#: The entry point group that an integrator's distribution declares.
ENTRY_POINT_GROUP: Final = "fieldhr.plugins"

#: The distribution of the built-in plugins.
OWN_DISTRIBUTION: Final = "fieldhr"


class Origin:
    """How a plugin came in; the lower one wins where two claim one name."""

    EXPLICIT: Final = 0
    BUILTIN: Final = 1
    INSTALLED: Final = 2


@attrs.frozen(eq=False, kw_only=True)
class Candidate:
    """A plugin that was found and not yet imported.

    Attributes:
        origin: see :class:`Origin`.
        target: ``module`` or ``module:attribute``, or the plugin object itself.
        distribution: name of the distribution it came with; ``explicit list`` for objects and paths handed in.
        key: name of its entry point; empty for explicit ones.
    """

    origin: int
    target: Any
    distribution: str
    key: str = ""

    @property
    def path(self) -> str:
        """The module path, or what comes closest to it for an object."""
        if isinstance(self.target, str):
            return self.target
        if isinstance(self.target, ModuleType):
            return self.target.__name__
        return f"{type(self.target).__module__}:{type(self.target).__qualname__}"

    def names(self) -> tuple[str, ...]:
        """Return every name it goes by before it was imported; the first is the best to show."""
        declared = getattr(getattr(self.target, "PLUGIN", None), "name", None)
        found: list[str] = [declared] if isinstance(declared, str) else []
        if isinstance(self.target, str):
            written = name_in_source(self.target)
            found += [written] if written else []
        if self.origin == Origin.BUILTIN:
            found.append(f"{OWN_DISTRIBUTION}.{self.key}")
        found += [self.key] if self.key else []
        found.append(self.path)
        return tuple(dict.fromkeys(found))

    def way_out(self, name: str) -> str:
        """Say how to do without it for now."""
        if self.origin == Origin.EXPLICIT:
            return "take it out of the list of plugins"
        return f"run: fieldhr plugins disable {name}"

    def may_implement(self, hook: str) -> bool:
        """Say whether the plugin has, or may have, an implementation of *hook*, without importing it."""
        if not isinstance(self.target, str):
            return hasattr(self.target, hook)
        source = _source_of(self.target.partition(":")[0])
        try:
            text = source.read_text(encoding="utf-8", errors="replace") if source is not None else "import *"
        except OSError:
            return True
        return hook in text or "import *" in text


def candidates(plugins: Iterable[Any] = (), *, autoload: bool = True) -> list[Candidate]:
    """Return what is to be loaded: explicit ones in the given order, then built-in ones, then installed ones."""
    found = [Candidate(origin=Origin.EXPLICIT, target=target, distribution="explicit list") for target in plugins]
    if autoload:
        known = {candidate.path for candidate in found}
        found += [candidate for candidate in builtin_candidates() if candidate.path not in known]
        found += [candidate for candidate in installed_candidates() if candidate.path not in known]
    return found


def builtin_candidates() -> list[Candidate]:
    """Return the built-in plugins, from the table: there without any metadata."""
    return [
        Candidate(origin=Origin.BUILTIN, target=path, distribution=OWN_DISTRIBUTION, key=key)
        for key, path in BUILTIN.items()
    ]


def installed_candidates() -> list[Candidate]:
    """Return the plugins that installed distributions declare, by distribution; our own table's are left out."""
    if not _anybody_declares():
        return []
    import importlib.metadata

    own = set(BUILTIN.values())
    found = [
        Candidate(
            origin=Origin.INSTALLED,
            target=point.value.replace(" ", ""),
            distribution=point.dist.name if point.dist is not None else "an unnamed distribution",
            key=point.name,
        )
        for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)
        if point.value not in own
    ]
    return sorted(found, key=lambda candidate: (candidate.distribution, candidate.key, candidate.path))


def _anybody_declares() -> bool:
    """Look whether a distribution other than ours declares plugins; spares most starts a slow standard module.

    Says yes wherever it cannot look: archives on the path, finders of somebody else's.
    """
    if any(hasattr(finder, "find_distributions") for finder in sys.meta_path if finder is not PathFinder):
        return True
    own = f"{OWN_DISTRIBUTION}-"
    group = ENTRY_POINT_GROUP.encode()
    for folder in dict.fromkeys(sys.path):
        if folder.endswith(".egg"):
            return True
        try:
            with os.scandir(folder or ".") as entries:
                names = [entry.name for entry in entries if entry.name.endswith((".dist-info", ".egg-info"))]
        except NotADirectoryError:
            return True
        except OSError:
            continue
        for name in names:
            declared = Path(folder, name, "entry_points.txt")
            if not name.startswith(own) and declared.is_file() and group in declared.read_bytes():
                return True
    return False


def name_in_source(target: str) -> str | None:
    """Read the name in ``PLUGIN = PluginInfo(name="...")`` from a module's source, without running any of it.

    Returns:
        the name, or ``None`` where the source is not there or builds the name at run time.
    """
    source = _source_of(target.partition(":")[0])
    if source is None:
        return None
    try:
        found = _DECLARED.search(source.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None
    return found[1] if found else None


#: A pattern and no parser: it also has to read modules that do not parse.
_DECLARED: Final = re.compile(
    r"""^PLUGIN\b[^=\n]*=\s*[\w.]+\(\s*(?:[^()]*?[\s,])?name\s*=\s*["']([^"']+)["']""", re.MULTILINE
)


def _source_of(module: str) -> Path | None:
    top, *rest = module.split(".")
    try:
        # Of a top-level name only: looking for a submodule would run its parents.
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if not rest and spec.origin is not None:
        return Path(spec.origin) if spec.origin.endswith(".py") else None
    for folder in spec.submodule_search_locations or ():
        inside = Path(folder, *rest)
        for path in (inside / "__init__.py", inside.with_suffix(".py")):
            if path.is_file():
                return path
    return None
