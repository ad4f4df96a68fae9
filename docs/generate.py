"""Write the reference pages that follow from the code.

``python docs/generate.py`` writes them, ``--check`` only says which are out of date (exit 1), names limit it to some
pages. The pages are committed, so that they can be read without running anything; a test compares each with what
this file makes of the code at hand.
"""

from __future__ import annotations

import argparse
import ast
import functools
import importlib
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fieldhr_core import errors, model
from fieldhr_core.cli.dispatch import CORE
from fieldhr_core.hooks import Command, PluginInfo, RegistrationContext
from fieldhr_core.hooks.builtin import BUILTIN
from fieldhr_core.hooks.settings import json_schema
from fieldhr_core.model.table import REQUIRED, Column
from fieldhr_core.trust import register
from fieldhr_sandbox.buyer.promises import promises

DOCS = Path(__file__).resolve().parent
CHECKOUT = DOCS.parent
REFERENCE = DOCS / "reference"

NOTE = "<!-- Written by docs/generate.py from the code; changes made here are lost. -->\n"


def errors_page() -> str:
    """List every code of an exception, what it means and what to do."""
    areas = {
        "CFG": "Configuration",
        "REC": "Records handed in",
        "SRC": "Other systems",
        "STO": "Storage",
        "ACC": "Access",
        "TRU": "Keys, sealed values, backups, audit",
        "CMP": "Compliance",
        "CAS": "Cases",
        "PLG": "Plugins",
        "SBX": "Sandbox",
        "CLI": "Command line",
        "API": "HTTP",
    }
    lines = [
        "# Errors",
        "",
        (
            "Every exception that the library raises on purpose is a `FieldhrError` with a `code`, a `message`, a `hint` and "
            "attributes in `where`."
        ),
        "A code never changes its meaning.",
        "A record that is bad is no exception: it comes back as a `Problem` with a dotted reason, and the others go on.",
        "",
        "## Classes",
        "",
        "| class | also a | raised when |",
        "| --- | --- | --- |",
    ]
    for name in sorted(errors.__all__):
        found = getattr(errors, name)
        if isinstance(found, type) and issubclass(found, errors.FieldhrError):
            others = [base.__name__ for base in found.__mro__[1:] if base.__module__ == "builtins"]
            builtin = [base for base in others if base not in {"object", "BaseException", "Exception"}]
            lines.append(f"| `{name}` | {', '.join(f'`{base}`' for base in builtin)} | {_summary(found)} |")
    for area, title in areas.items():
        codes = {code: text for code, text in errors.CATALOGUE.items() if code.split("-")[1] == area}
        if codes:
            lines += ["", f"## {title}", "", "| code | what happened | what to do |", "| --- | --- | --- |"]
            lines += [f"| <a id='{code}'></a>`{code}` | {what} | {todo} |" for code, (what, todo) in codes.items()]
    missing = {code.split("-")[1] for code in errors.CATALOGUE} - set(areas)
    if missing:
        message = f"docs/generate.py has no heading for the error areas {sorted(missing)}."
        raise SystemExit(message)
    return _page(lines)


def schemas_page() -> str:
    """List every column table that crosses a boundary."""
    lines = [
        "# Column tables",
        "",
        "Many records cross a boundary as one `Table`: equal-length columns that fit a `Schema`.",
        "Times are milliseconds since 1970-01-01T00:00Z, unknown numbers are NaN, a tristate is -1 not said, 0 no, 1 yes.",
        "Bounds are inclusive and hold for known values.",
        "",
        "| kind | numpy | holds |",
        "| --- | --- | --- |",
        "| `time_ms` | `int64` | an instant, UTC |",
        "| `float` | `float64` | a number in the unit that its name says |",
        "| `integer` | `int64` | a count or an amount in minor units |",
        "| `boolean` | `bool` | yes or no |",
        "| `tristate` | `int8` | yes, no or not said |",
        "| `text` | `object` | text of many values |",
        "| `coded` | `Coded` | text of few values: small integers into a tuple |",
    ]
    for name in sorted(model.__all__):
        schema = getattr(model, name)
        if isinstance(schema, model.Schema):
            lines += ["", f"## {name}", "", schema.doc, ""]
            lines += ["| column | kind | bounds | left out | meaning |", "| --- | --- | --- | --- | --- |"]
            lines += [
                f"| `{column.name}` | {column.kind} | {_bounds(column)} | {_left_out(column)} | {_cell(column.doc)} |"
                for column in schema.columns
            ]
    return _page(lines)


def settings_page() -> str:
    """List every setting of every built-in plugin."""
    lines = [
        "# Settings",
        "",
        "A tenant's settings are a mapping of plugin name to that plugin's settings.",
        "A key that no plugin knows is an error that names the path and the nearest known key.",
        "The unit of a number is in its name.",
        "`fieldhr_core.hooks.settings.json_schema` gives the same as JSON Schema, for a plugin of yours, too.",
    ]
    for _, plugin in plugins():
        if plugin.settings is not None:
            schema = json_schema(plugin.settings)
            lines += ["", f"## {plugin.name}", "", _cell(schema.get("description", plugin.summary)), ""]
            lines += ["| setting | type | default | bounds | meaning |", "| --- | --- | --- | --- | --- |"]
            lines += [_setting(name, field) for name, field in schema["properties"].items()]
    return _page(lines)


def cli_page() -> str:
    """List every command with its arguments."""
    lines = [
        "# Command line",
        "",
        (
            "`-` or no file reads standard input; JSON Lines in, JSON Lines out, one line a line in the same order, `id` copied "
            "through."
        ),
        "Progress goes to standard error.",
        (
            "Exit status 0: the command did its work, and findings are data; 1: it ran and the answer is no; 2: wrong use or "
            "unreadable input."
        ),
    ]
    for command in commands():
        parser = argparse.ArgumentParser(prog="fieldhr " + " ".join(command.path), add_help=False)
        command.arguments(parser)
        lines += ["", f"## fieldhr {' '.join(command.path)}", "", _cell(command.summary.rstrip(".")) + ".", ""]
        # argparse prints help a little differently in each Python version, so the table is made from its parts.
        rows = [row for row in map(_argument, parser._actions) if row]
        if rows:
            lines += ["| argument | default | meaning |", "| --- | --- | --- |", *rows]
        else:
            lines.append("No arguments.")
    return _page(lines)


def requirements_page() -> str:
    """Map each promise to its tests, the code they touch, and pages."""
    areas = promises()
    shown = requirement_marks(CHECKOUT / "tests")
    pages = _pages_by_row()
    rows = [row for area in areas.values() for row in area if row != "title"]
    open_rows = [row for row in rows if row not in shown]
    lines = [
        "# Requirement map",
        "",
        "What was promised, which tests show it, and which modules those tests use.",
        "A row is named by its tests with `@pytest.mark.req`; `pytest --req A4` runs those of one row.",
        "A test on a row does not mean that the row is complete; a row without a test is open.",
        "",
        (
            f"Of {len(rows)} rows, {len(rows) - len(open_rows)} have tests and {len(open_rows)} are open: "
            f"{', '.join(open_rows) or 'none'}."
        ),
    ]
    for area in areas.values():
        lines += [
            "",
            f"## {area['title']['en']}",
            "",
            "| row | promise | tests | modules | pages |",
            "| --- | --- | --- | --- | --- |",
        ]
        for row, promise in area.items():
            if row == "title":
                continue
            files = shown.get(row, {})
            tests = "<br>".join(f"`{name}`" for name in sorted(files)) or "**open**"
            modules = "<br>".join(f"`{name}`" for name in sorted({m for used in files.values() for m in used}))
            links = "<br>".join(f"[{title}](../{path})" for path, title in pages.get(row, ()))
            lines.append(f"| {row} | {promise['en']} | {tests} | {modules} | {links} |")
    return _page(lines)


def field_register_page() -> str:
    """List every column that holds something about a person."""
    return _page(register.as_markdown().rstrip("\n").split("\n"))


def packs_page() -> str:
    """Write the tables of packs and of scenarios anew; what stands between them is kept."""
    from fieldhr_sandbox.catalogue import plantings_of
    from fieldhr_sandbox.packs import PACKS
    from fieldhr_sandbox.scenarios import REGISTRY

    planted_in = {name: dict(plantings_of(pack)) for name, pack in PACKS.items()}
    packs = ["| pack | what | reps | days | planted | must reach |", "| --- | --- | --- | --- | --- | --- |"]
    for pack in PACKS.values():
        # A pack of nothing but rows that ask for silence has nothing to find.
        quiet = pack.turn is None and all(
            key[0] == "Q" or "/" in key or key in SILENT_ROWS for key in planted_in[pack.name]
        )
        bar = f"precision {pack.bar.precision:.0%}, recall {pack.bar.recall:.0%}"
        reach = f"{pack.bar.serious_per_rep_week} alerts a rep-week" if quiet else bar
        if any(key[0] == "X" for key in planted_in[pack.name]):
            reach = f"{pack.bar.campaigns:.0%} found, {pack.bar.others_accused:.0%} of the others accused"
        planted = str(sum(planted_in[pack.name].values())) + (" and by share" if pack.turn else "")
        reach += ", dials measured" if pack.turn else ""
        packs.append(f"| `{pack.name}` | {_cell(pack.title)} | {pack.reps} | {pack.days} | {planted} | {reach} |")
    rows = ["| key | what happens | planted in |", "| --- | --- | --- |"]
    for key, row in sorted(REGISTRY.items()):
        where = [f"`{name}`" for name, planted in planted_in.items() if key in planted]
        rows.append(f"| `{key}` | {_cell(row.title)} | {', '.join(where) or 'no pack yet'} |")
    text = (REFERENCE / "packs.md").read_text(encoding="utf-8")
    for name, table in (("packs", packs), ("scenarios", rows)):
        pattern = rf"(?s)(<!-- {name} -->\n).*?(<!-- /{name} -->)"
        block = "\n".join(table) + "\n"
        found = re.search(pattern, text)
        if found is None:
            raise SystemExit(f"packs.md has no place for the table of {name}")
        text = text[: found.end(1)] + block + text[found.start(2) :]
    return text


def index_page(folder: str) -> str:
    """List the pages of one folder, so that none is forgotten."""
    title, purpose = FOLDERS[folder]
    lines = [f"# {title}", "", purpose, ""]
    pages = [path for path in sorted((DOCS / folder).glob("*.md")) if path.name != "index.md"]
    lines += [f"- [{_title(path)}]({path.name})" for path in pages]
    for subfolder in sorted(path for path in (DOCS / folder).iterdir() if path.is_dir()):
        lines += ["", f"## {subfolder.name.capitalize()}", ""]
        lines += [f"- [{_title(path)}]({subfolder.name}/{path.name})" for path in sorted(subfolder.glob("*.md"))]
    return _page(lines)


#: Rows of the scenario book, besides Q, in which something looks wrong and is not.
SILENT_ROWS = {"C03", "L20", "O02"}

#: Folder -> title and purpose.
FOLDERS = {
    "tutorials": ("Tutorials", "Follow one from top to bottom; at the end something works."),
    "how-to": ("How-to guides", "You know what you want to get done; these say how."),
    "reference": ("Reference", "What there is, exactly; most of it is written from the code."),
    "explanation": ("Explanation", "Why things are as they are, and which decisions led there."),
}


#: Page, relative to docs/ -> what makes it. The indexes come last: they list the others.
def http_api_page() -> str:
    """List every operation of the HTTP interface."""
    from fieldhr_plugins.console.api.app import description

    document = description()
    lines = [
        "# HTTP API",
        "",
        "What `fieldhr serve` and a host's mount answer below `/api`; `/openapi.json` says the same for programs (OpenAPI 3.1).",
        "How to run it: [Serve](../how-to/serve.md), how to mount it: [Embed the pages](../how-to/embed-the-pages.md).",
        "",
        "## What holds for every operation",
        "",
        "- **Who**: a bearer token, a token as the password of basic authentication, or the cookie of the login page or of the host.",
        "- **Meant**: what a cookie authenticates and changes something carries `form_token` of `/api/session` in `X-CSRF-Token`.",
        "- **Limits**: 50 requests a second and 600 at once for each principal; bodies up to 32 MiB; then 429 with `Retry-After`, and 413.",
        "- **Twice**: with `Idempotency-Key` the same request gets the same answer for a week; another body with the key is FHR-API-006.",
        "- **Pages**: lists return `items` and `next`; hand `next` in as `cursor`.",
        "- **Errors**: `application/problem+json` with a `code` of [Errors](errors.md).",
        "  What is not the principal's is answered like what is not there.",
        "- **Strict**: nothing is coerced; unknown fields, times without a zone and coordinates without a datum are refused.",
    ]
    for tag in document["tags"]:
        lines += ["", f"## {tag['name'].capitalize()}", "", tag["description"], ""]
        lines += ["| request | operation | what |", "| --- | --- | --- |"]
        for path, item in document["paths"].items():
            for method, operation in item.items():
                if tag["name"] in operation["tags"]:
                    summary = _cell(operation["summary"])
                    lines.append(f"| `{method.upper()} {path}` | `{operation['operationId']}` | {summary} |")
    lines += [
        "",
        "## Webhooks",
        "",
        "The channel `webhook` posts notices; the section `webhooks` of the description says what is in one and what to answer.",
    ]
    return _page(lines)


PAGES: dict[str, Callable[[], str]] = {
    "reference/errors.md": errors_page,
    "reference/schemas.md": schemas_page,
    "reference/settings.md": settings_page,
    "reference/cli.md": cli_page,
    "reference/field-register.md": field_register_page,
    "reference/requirements.md": requirements_page,
    "reference/packs.md": packs_page,
    "reference/http-api.md": http_api_page,
    **{f"{folder}/index.md": functools.partial(index_page, folder) for folder in FOLDERS},
}


def plugins() -> Iterator[tuple[Any, PluginInfo]]:
    """Yield module and description of each built-in plugin, by name."""
    found = [(module, module.PLUGIN) for module in map(importlib.import_module, BUILTIN.values())]
    yield from sorted(found, key=lambda pair: pair[1].name)


def commands() -> list[Command]:
    """Return every command of the core and of the built-in plugins, by path."""
    found = [command for word in CORE for command in importlib.import_module(f"fieldhr_core.cli.{word}").COMMANDS]
    for module, _ in plugins():
        register = getattr(module, "fieldhr_register_commands", None)
        if register is not None:
            wanted = inspect.signature(register).parameters
            found += register(**{"context": RegistrationContext()} if "context" in wanted else {})
    return sorted(found, key=lambda command: command.path)


def requirement_marks(tests: Path) -> dict[str, dict[str, set[str]]]:
    """Return row -> test file -> modules of ours it imports, read from the sources without running them."""
    shown: dict[str, dict[str, set[str]]] = {}
    for path in sorted(tests.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        rows = {
            argument.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "req"
            for argument in node.args
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
        }
        used = {_room(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
        for row in rows:
            files = shown.setdefault(row, {})
            files[path.relative_to(tests.parent).as_posix()] = {room for room in used if room}
    return shown


def _room(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] in {"fieldhr_core", "fieldhr_plugins", "fieldhr_sandbox"} else ""


def _pages_by_row() -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for path in sorted(DOCS.rglob("*.md")):
        name = path.relative_to(DOCS).as_posix()
        if name not in PAGES:
            for row in sorted(set(re.findall(r"\b[A-I][1-9]\b", path.read_text(encoding="utf-8")))):
                found.setdefault(row, []).append((name, _title(path)))
    return found


def _title(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next((line[2:] for line in lines if line.startswith("# ")), path.stem)


def _page(lines: list[str]) -> str:
    return "\n".join([lines[0], "", NOTE, *lines[2:]]) + "\n"


def _summary(cls: type) -> str:
    return _cell((inspect.getdoc(cls) or "").split("\n\n")[0])


def _cell(text: str) -> str:
    """Make one line of Markdown for a table out of reStructuredText from a docstring."""
    text = re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", " ".join(text.split()))
    return text.replace("``", "`").replace("|", "\\|")


def _bounds(column: Column) -> str:
    if column.low is None and column.high is None:
        return ""
    low = "" if column.low is None else f"{column.low:g}"
    high = "" if column.high is None else f"{column.high:g}"
    return f"{low} … {high}".strip()


def _left_out(column: Column) -> str:
    return "must be given" if column.default is REQUIRED else f"`{column.default!r}`"


def _setting(name: str, schema: dict[str, Any]) -> str:
    default = (
        f"`{_cell(json.dumps(schema['default'], ensure_ascii=False))}`" if "default" in schema else "must be given"
    )
    bounds = ", ".join(f"{sign} {schema[key]}" for key, sign in _BOUNDS.items() if key in schema)
    return f"| `{name}` | {_type(schema)} | {default} | {bounds} | {_cell(schema.get('description', ''))} |"


_BOUNDS = {"minimum": "at least", "exclusiveMinimum": "over", "maximum": "at most", "exclusiveMaximum": "under"}


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    kind = schema.get("type", "anything")
    if kind == "array" and isinstance(schema.get("items"), dict):
        return f"list of {_type(schema['items'])}"
    return str(kind)


def _argument(action: argparse.Action) -> str:
    if action.help == argparse.SUPPRESS:
        return ""
    value = action.metavar or (action.dest.upper() if action.option_strings else action.dest)
    if isinstance(value, tuple):
        value = " ".join(value)
    if action.choices is not None and not action.metavar:
        value = "{" + ",".join(str(choice) for choice in action.choices) + "}"
    takes_value = action.nargs != 0
    if action.option_strings:
        name = ", ".join(action.option_strings) + (f" {value}" if takes_value else "")
    else:
        name = f"{value}" + (" ..." if action.nargs in {"*", "+"} else "")
    default = "" if action.default in (None, False, argparse.SUPPRESS, [], ()) else f"`{action.default}`"
    return f"| `{_cell(name)}` | {default} | {_cell((action.help or '').replace('%%', '%'))} |"


def main(arguments: list[str] | None = None) -> int:
    """Write or check pages; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("pages", nargs="*", metavar="PAGE", help=f"only these: {', '.join(PAGES)}")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a page is out of date")
    chosen = parser.parse_args(arguments)
    stale = []
    for name in chosen.pages or PAGES:
        path = DOCS / name
        text = PAGES[name]()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not chosen.check:
                path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"{'out of date' if chosen.check else 'written'}: docs/{name}")
    return 1 if chosen.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
