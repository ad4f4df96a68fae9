"""What an alert says, in the reader's language.

Each plugin brings its texts as ``messages.json`` beside its module: message id -> language -> template with
``{parameter}`` places. A missing language falls back to English, a missing text to the message id: a notice is never
lost for want of words.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from string import Formatter
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from fieldhr_core.hooks.loader import Registry
    from fieldhr_core.model import Case

__all__ = ["Wording"]


@attrs.frozen(eq=False)
class Wording:
    """The texts of every active plugin."""

    texts: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, registry: Registry) -> Wording:
        """Collect the texts of the registry's active plugins."""
        texts: dict[str, Mapping[str, str]] = json.loads(
            files("fieldhr_core.flow").joinpath("messages.json").read_text("utf-8")
        )
        for module in registry.modules:
            source = _texts_of(module)
            if source is not None:
                texts.update(json.loads(source.read_text("utf-8")))
        return cls(texts)

    def of_case(self, case: Case, language: str, why: str = "") -> tuple[str, str]:
        """Return title and body of a case's notice in *language* (BCP 47).

        Args:
            why: what happened to a case that is known already (``escalated`` ...); empty: it is new.
        """
        finding = case.finding
        mark = "[simulated] " if case.simulated else ""
        body = [self.text(f"notice.{why}", language, {})] if why else []
        body += [self.text(finding.explanation or finding.code, language, finding.params)]
        if finding.advice:
            body.append(self.text(finding.advice, language, finding.params))
        body += [self.text(reading, language, finding.params) for reading in finding.readings]
        return f"{mark}{finding.code} ({finding.severity})", "\n".join(body)

    def text(self, message: str, language: str, params: Mapping[str, Any]) -> str:
        """Return one text; parameters that are not given stay as their names."""
        known = self.texts.get(message, {})
        template = known.get(language) or known.get(language.split("-")[0]) or known.get("en") or message
        return _Lenient().vformat(template, (), dict(params))


def _texts_of(module: str) -> Traversable | None:
    loaded = sys.modules.get(module)
    if loaded is None or loaded.__spec__ is None:
        return None  # a plugin object handed in by the host has no folder
    folder = files(loaded) if loaded.__spec__.submodule_search_locations else files(loaded.__spec__.parent or module)
    source = folder.joinpath("messages.json")
    return source if source.is_file() else None


class _Lenient(Formatter):
    def get_value(self, key: int | str, args: Any, kwargs: Mapping[str, Any]) -> Any:
        if isinstance(key, str):
            return kwargs.get(key, "{" + key + "}")
        return super().get_value(key, args, kwargs)
