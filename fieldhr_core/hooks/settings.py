"""Settings of plugins: from plain mappings to frozen attrs classes, and from those classes to JSON Schema.

Every problem of a mapping is reported at once, with its path (``plugins.fieldhr.places.dwell_s``) and, for a key that
does not exist, the one that was probably meant. Values of fields with ``repr=False`` (secrets) are never shown.
"""

from __future__ import annotations

import difflib
import enum
import inspect
import math
import re
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from typing import Any, Final, TypeVar

import attrs

from fieldhr_core.errors import ConfigError

__all__ = ["as_sentence", "did_you_mean", "json_schema", "read_settings"]

S = TypeVar("S")


def read_settings(cls: type[S], given: Mapping[str, Any], path: str = "") -> S:
    """Build an instance of a settings class from a plain mapping (JSON, TOML).

    Args:
        cls: a frozen attrs class with a default for every field. Supported field types: ``bool``, ``int``, ``float``,
            ``str``, ``date`` and ``time`` (ISO text), enums, literals, tuples, lists, frozensets, mappings with text
            keys, nested attrs classes, unions of these, ``Any``.
        given: key -> value; what is left out keeps its default.
        path: where the mapping stands, for messages.

    Raises:
        ConfigError: FHR-CFG-001 with every problem found, each with its path.
    """
    problems: list[str] = []
    settings = _read_class(cls, given, path, problems)
    if problems or settings is None:
        raise ConfigError(as_sentence(problems), code="FHR-CFG-001", problems=tuple(problems), path=path)
    return settings


def json_schema(cls: type[Any]) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a settings class: types, defaults, bounds and descriptions."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_schema_of_class(cls)}


def did_you_mean(name: str, known: Iterable[str], otherwise: str = ".") -> str:
    """End a sentence: ``, did you mean 'x'?`` where one of *known* is close to *name*, else *otherwise*."""
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f", did you mean {close[0]!r}?" if close else otherwise


def as_sentence(problems: Iterable[str]) -> str:
    """Join problems into one sentence."""
    text = "; ".join(problems)
    return text if text.endswith("?") else f"{text}."


class _MisfitError(ValueError):
    """A value does not fit its type; the text says what was expected."""


def _read_class(cls: type[S], given: object, path: str, problems: list[str]) -> S | None:
    if not isinstance(given, Mapping):
        problems.append(f"{path or 'settings'}: expected a table of settings, got {_shown(given)}")
        return None
    fields = {field.alias: field for field in attrs.fields(typing.cast("Any", cls)) if field.init}
    hints = typing.get_type_hints(cls)
    before = len(problems)
    values: dict[str, Any] = {}
    for key, value in given.items():
        where = f"{path}.{key}" if path else str(key)
        if key not in fields:
            problems.append(
                f"{where}: no such setting{did_you_mean(str(key), fields, '; there are ' + ', '.join(fields))}"
            )
            continue
        field = fields[key]
        try:
            values[key] = _read_value(hints.get(field.name, Any), value, where, problems)
        except _MisfitError as misfit:
            problems.append(f"{where}: expected {misfit}, got {_shown(value) if field.repr else 'something else'}")
    if len(problems) > before:
        return None
    try:
        return cls(**values)
    except (TypeError, ValueError) as cause:
        problems.extend(_blame(cls, values, path, cause))
        return None


def _blame(cls: type[Any], values: Mapping[str, Any], path: str, cause: Exception) -> list[str]:
    """Name the keys whose own validator refuses them; a check across fields blames the section."""
    secret = {field.alias for field in attrs.fields(cls) if not field.repr}
    found = []
    for key, value in values.items():
        try:
            cls(**{key: value})
        except (TypeError, ValueError) as own:
            found.append(f"{path}.{key}: {'not allowed' if key in secret else _first_text(own)}")
    return found or [f"{path}: {_first_text(cause)}"]


def _first_text(cause: Exception) -> str:
    # attrs' own validators carry (message, attribute, options, value); only the message is for people.
    return str(cause.args[0] if cause.args else cause).rstrip(".")


def _read_value(kind: Any, value: Any, path: str, problems: list[str]) -> Any:
    origin = typing.get_origin(kind)
    if origin in {typing.Union, types.UnionType}:
        return _read_union(kind, value, path, problems)
    if origin is typing.Literal:
        if value not in typing.get_args(kind):
            raise _MisfitError("one of " + ", ".join(repr(option) for option in typing.get_args(kind)))
        return value
    if origin is not None:
        return _read_collection(kind, origin, value, path, problems)
    if kind is Any or kind is object:
        return value
    if kind is None or kind is type(None):
        if value is not None:
            raise _MisfitError("nothing")
        return None
    if isinstance(kind, type) and attrs.has(kind):
        return value if isinstance(value, kind) else _read_class(kind, value, path, problems)
    return _read_scalar(kind, value)


def _read_union(kind: Any, value: Any, path: str, problems: list[str]) -> Any:
    expected = []
    for option in typing.get_args(kind):
        if option is type(None):
            if value is None:
                return None
            continue
        inner: list[str] = []
        try:
            found = _read_value(option, value, path, inner)
        except _MisfitError as misfit:
            expected.append(str(misfit))
            continue
        problems.extend(inner)
        return found
    raise _MisfitError(" or ".join(expected) or "nothing")


def _read_collection(kind: Any, origin: Any, value: Any, path: str, problems: list[str]) -> Any:
    inner = typing.get_args(kind)
    if issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise _MisfitError("a table")
        item = inner[1] if len(inner) == 2 else Any
        return {str(key): _item(item, part, f"{path}.{key}", problems) for key, part in value.items()}
    if isinstance(value, (str, bytes)) or not isinstance(value, (Sequence, set, frozenset)):
        raise _MisfitError("a list")
    parts = list(value)
    if origin is tuple and not (len(inner) == 2 and inner[1] is Ellipsis):
        if len(parts) != len(inner):
            raise _MisfitError(f"a list of {len(inner)}")
        return tuple(
            _item(item, part, f"{path}[{n}]", problems) for n, (item, part) in enumerate(zip(inner, parts, strict=True))
        )
    read = [_item(inner[0] if inner else Any, part, f"{path}[{n}]", problems) for n, part in enumerate(parts)]
    if origin is frozenset or origin is set:
        return frozenset(read)
    return read if origin is list else tuple(read)


def _item(kind: Any, value: Any, path: str, problems: list[str]) -> Any:
    try:
        return _read_value(kind, value, path, problems)
    except _MisfitError as misfit:
        problems.append(f"{path}: expected {misfit}, got {_shown(value)}")
        return None


def _read_scalar(kind: Any, value: Any) -> Any:
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        try:
            return kind(value)
        except ValueError:
            raise _MisfitError("one of " + ", ".join(repr(option.value) for option in kind)) from None
    if kind in {date, time} and not isinstance(value, kind):
        try:
            return kind.fromisoformat(value)
        except (TypeError, ValueError):
            raise _MisfitError("a date such as 2026-03-02" if kind is date else "a time such as 09:30") from None
    # bool is an int to Python, but "dwell_s = true" is a slip.
    if kind in {int, float} and isinstance(value, (int, float)) and not isinstance(value, bool):
        if kind is float and math.isfinite(value):
            return float(value)
        if kind is int and float(value).is_integer():
            return int(value)
    elif isinstance(kind, type) and isinstance(value, kind) and not (isinstance(value, bool) and kind is int):
        return value
    raise _MisfitError(_NAMES.get(kind, getattr(kind, "__name__", str(kind))))


_NAMES: Final[dict[Any, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    date: "a date such as 2026-03-02",
    time: "a time such as 09:30",
}


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _schema_of_class(cls: type[Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    notes = _field_notes(cls)
    properties: dict[str, Any] = {}
    for field in attrs.fields(cls):
        if not field.init:
            continue
        prop = {**_schema_of(hints.get(field.name, Any)), **_bounds(field.validator)}
        if field.name in notes:
            prop["description"] = notes[field.name]
        if field.default is not attrs.NOTHING and field.repr:
            default = field.default.factory() if isinstance(field.default, attrs.Factory) else field.default  # type: ignore[arg-type]  # Factory is a class at run time
            prop["default"] = _plain(default)
        properties[field.alias] = prop
    doc = inspect.getdoc(cls) or ""
    return {
        "type": "object",
        "title": cls.__name__,
        "description": doc.split("\n\n")[0].replace("\n", " "),
        "properties": properties,
        "additionalProperties": False,
    }


def _schema_of(kind: Any) -> dict[str, Any]:
    origin = typing.get_origin(kind)
    inner = typing.get_args(kind)
    if origin in {typing.Union, types.UnionType}:
        return {"anyOf": [_schema_of(option) for option in inner]}
    if origin is typing.Literal:
        return {"enum": list(inner)}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _schema_of(inner[1]) if len(inner) == 2 else True}
    if origin is tuple and not (len(inner) == 2 and inner[1] is Ellipsis):
        return {
            "type": "array",
            "prefixItems": [_schema_of(item) for item in inner],
            "minItems": len(inner),
            "items": False,
        }
    if origin is not None:
        return {"type": "array", "items": _schema_of(inner[0]) if inner else {}}
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return {"enum": [option.value for option in kind]}
    if isinstance(kind, type) and attrs.has(kind):
        return _schema_of_class(kind)
    return dict(_JSON_TYPES.get(kind, {}))


_JSON_TYPES: Final[dict[Any, dict[str, Any]]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    date: {"type": "string", "format": "date"},
    time: {"type": "string", "format": "time"},
    type(None): {"type": "null"},
}

_BOUNDS: Final[dict[str, str]] = {
    ">=": "minimum",
    ">": "exclusiveMinimum",
    "<=": "maximum",
    "<": "exclusiveMaximum",
}


def _bounds(validator: Any) -> dict[str, Any]:
    """Read the bounds of attrs' own validators (``ge``, ``le``, ``in_`` ..., also several)."""
    if validator is None:
        return {}
    found: dict[str, Any] = {}
    for part in getattr(validator, "_validators", ()):
        found |= _bounds(part)
    operator = getattr(validator, "compare_op", None)
    if operator in _BOUNDS:
        found[_BOUNDS[operator]] = validator.bound
    options = getattr(validator, "options", None)
    if options is not None and not isinstance(options, type):
        found["enum"] = [_plain(option) for option in options]
    return found


def _plain(value: Any) -> Any:
    """Return a default as the JSON value somebody would write for it."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (date, time)):
        return value.isoformat()
    if attrs.has(type(value)):
        return {field.alias: _plain(getattr(value, field.name)) for field in attrs.fields(type(value))}
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(_plain(part) for part in value)
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value


_NOTE: Final = re.compile(r"^ {4}(\w+(?:, \w+)*): (.+)$")


def _field_notes(cls: type[Any]) -> dict[str, str]:
    """Read ``name: what it is`` lines of the docstring's ``Attributes:`` section, continuation lines included."""
    notes: dict[str, str] = {}
    names: tuple[str, ...] = ()
    for line in (inspect.getdoc(cls) or "").partition("Attributes:")[2].splitlines():
        found = _NOTE.match(line)
        if found:
            names = tuple(found[1].split(", "))
            notes |= dict.fromkeys(names, found[2])
        elif names and line.startswith(" " * 8):
            notes |= {name: f"{notes[name]} {line.strip()}" for name in names}
        else:
            names = ()
    return notes
