"""``fieldhr``: finds the command that is meant, loads no more than it needs, and turns every failure into one line.

Commands come from this package and from plugins, built-in or a stranger's. Our own are looked at first, then those of
the built-in plugins, then everybody's: a command of ours runs although another plugin cannot even be imported.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NoReturn, TextIO

from fieldhr_core.errors import FieldhrError
from fieldhr_core.hooks.plugin import Command

if TYPE_CHECKING:
    from fieldhr_core.hooks.discovery import Candidate

__all__ = ["CORE", "main"]

#: First words of the commands in this package, and what they are about; the module of that name holds ``COMMANDS``.
CORE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "alerts": "cases and their evidence",
        "audit": "the chain of everything that was done",
        "backup": "create, verify, restore, and the drill that proves it",
        "doctor": "what is wrong, why, and what to do",
        "keys": "rotate them, or forget a person",
        "plugins": "for integrators: list, new, test, disable, enable",
        "tokens": "what programs, phones and browsers log in with",
    }
)

#: What a shell reports for a program that ended because nobody read on.
_READER_GONE: Final = 128 + 13
_INTERRUPTED: Final = 128 + 2

#: Commands by path, each with the plugin it comes from (empty: ours).
Found = dict[tuple[str, ...], tuple[str, Command]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: words after ``fieldhr``; ``None`` takes the process's own.

    Returns:
        0 the command did its work; 1 it ran, and the answer is no; 2 it was used wrongly or could not read its input,
        with one line on standard error that says what to do.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = bool(words) and words[0] == "--debug"
    if debug:
        del words[0]
    stdin, stdout, stderr = _utf8_streams()
    try:
        status = _run(words, stdin, stdout, stderr)
        stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has enough. The interpreter must find nothing to write when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
        return _READER_GONE
    except KeyboardInterrupt:
        return _INTERRUPTED
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else 0 if exit_.code is None else 2
    except Exception as failure:
        if debug:
            raise
        stderr.write(_line_of(failure) + "\n")
        return 2
    return status


def _run(words: list[str], stdin: TextIO, stdout: TextIO, stderr: TextIO) -> int:
    if words[:1] == ["--version"]:
        stdout.write(f"fieldhr {_version()}\n")
        return 0
    path = tuple(_leading_words(words))
    if not path:
        asked = words in (["--help"], ["-h"])
        if words and not asked:
            raise FieldhrError(f"There is no option {words[0]!r}.", code="FHR-CLI-001", hint="Run: fieldhr --help")
        (stdout if asked else stderr).write(_overview())
        return 0 if asked else 2
    for commands in _stages(path[0]):
        found = _meant(path, commands)
        if found is not None:
            plugin, command = commands[found]
            return _run_command(plugin, command, words[len(found) :], stdin, stdout)
    group = _longest_group(path, commands)
    if len(group) < len(path):
        raise _unknown(path, group, commands)
    asked = words[len(path) :] in (["--help"], ["-h"])
    (stdout if asked else stderr).write(_help_of(group, commands))
    return 0 if asked else 2


def _stages(word: str) -> Iterable[Found]:
    """Yield more and more commands that may begin with *word*, cheapest first; the last one holds all there are."""
    if word in CORE:
        # Nobody else adds to these: they must work whatever is installed.
        yield {command.path: ("", command) for command in importlib.import_module(f"fieldhr_core.cli.{word}").COMMANDS}
        return
    from fieldhr_core.cli.configfile import disabled_plugins
    from fieldhr_core.hooks.builtin import BUILTIN_COMMANDS
    from fieldhr_core.hooks.discovery import builtin_candidates, installed_candidates

    disabled = set(disabled_plugins())
    _, keys = BUILTIN_COMMANDS.get(word, ("", ()))
    if keys:
        yield _plugin_commands([found for found in builtin_candidates() if found.key in keys], disabled)
    found = _plugin_commands([*builtin_candidates(), *installed_candidates()], disabled)
    yield {path: command for path, command in found.items() if path[0] not in CORE}


def _plugin_commands(candidates: Sequence[Candidate], disabled: set[str]) -> Found:
    from fieldhr_core.hooks.loader import Registry

    wanted = [found for found in candidates if not disabled or not disabled & set(found.names())]
    registry = Registry()
    registry.load_found(wanted, offers=False)
    found: Found = {}
    for info, command in registry.commands():
        found.setdefault(command.path, (info.name, command))
    return found


def _disabled_and_there() -> tuple[str, ...]:
    """Return the disabled plugins that are installed; a name left over from one that is gone stops nothing."""
    from fieldhr_core.cli.configfile import disabled_plugins

    disabled = disabled_plugins()
    if not disabled:
        return ()
    from fieldhr_core.hooks.discovery import builtin_candidates, installed_candidates

    known = {name for found in (*builtin_candidates(), *installed_candidates()) for name in found.names()}
    return tuple(name for name in disabled if name in known)


def _leading_words(words: Sequence[str]) -> Iterable[str]:
    for word in words:
        if word.startswith("-"):
            return
        yield word


def _meant(path: tuple[str, ...], commands: Mapping[tuple[str, ...], object]) -> tuple[str, ...] | None:
    """Return the longest beginning of *path* that is a command."""
    return next((path[:length] for length in range(len(path), 0, -1) if path[:length] in commands), None)


def _longest_group(path: tuple[str, ...], commands: Mapping[tuple[str, ...], object]) -> tuple[str, ...]:
    groups = {known[:length] for known in commands for length in range(len(known))}
    return next(path[:length] for length in range(len(path), -1, -1) if path[:length] in groups or length == 0)


def _run_command(plugin: str, command: Command, words: Sequence[str], stdin: TextIO, stdout: TextIO) -> int:
    name = " ".join(("fieldhr", *command.path))
    parser = _Parser(prog=name, description=command.summary, allow_abbrev=False)
    command.arguments(parser)
    arguments = parser.parse_args(list(words))
    # For commands that open a runtime: what fieldhr.toml switches off is off there too.
    arguments.disabled = _disabled_and_there()
    try:
        return command.run(arguments, stdin, stdout)
    except (FieldhrError, OSError, UnicodeDecodeError):
        raise
    except Exception as failure:
        if plugin:
            failure.add_note(f"in {name!r} of the plugin {plugin}")
        raise


class _Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        raise FieldhrError(f"{message.rstrip('.')}.", code="FHR-CLI-001", hint=f"Run: {self.prog} --help")


def _unknown(path: tuple[str, ...], group: tuple[str, ...], commands: Found) -> FieldhrError:
    from fieldhr_core.hooks.settings import did_you_mean

    word = path[len(group)]
    known = {known[len(group)] for known in commands if known[: len(group)] == group}
    name = " ".join(("fieldhr", *group))
    return FieldhrError(
        f"{name} has no command {word!r}{did_you_mean(word, known)}",
        code="FHR-CLI-001",
        hint=f"Run: {name} --help"
        if group
        else "Run: fieldhr --help, or see which plugins failed: fieldhr plugins list",
    )


def _overview() -> str:
    """Describe every group of commands; imports no plugin but strangers'."""
    from fieldhr_core.cli.configfile import disabled_plugins
    from fieldhr_core.hooks.builtin import BUILTIN_COMMANDS
    from fieldhr_core.hooks.discovery import installed_candidates

    rows = {word: about for word, (about, _) in BUILTIN_COMMANDS.items()}
    strangers = installed_candidates()
    if strangers:
        for path, (plugin, _) in _plugin_commands(strangers, set(disabled_plugins())).items():
            rows.setdefault(path[0], f"commands of {plugin}")
    return _rows("fieldhr", rows | dict(CORE))


def _help_of(group: tuple[str, ...], commands: Found) -> str:
    below: dict[str, list[str]] = {}
    for path, (_, command) in sorted(commands.items()):
        if path[: len(group)] == group and len(path) > len(group):
            deeper = path[len(group) + 1 :]
            below.setdefault(path[len(group)], []).append(" ".join(deeper) if deeper else command.summary)
    return _rows(" ".join(("fieldhr", *group)), {word: ", ".join(texts) for word, texts in below.items()})


def _rows(name: str, rows: Mapping[str, str]) -> str:
    width = max((len(word) for word in rows), default=0)
    lines = [f"usage: {name} COMMAND ...", "", "Commands:"]
    lines += [f"  {word:<{width}}  {rows[word]}" for word in sorted(rows)]
    lines += ["", f"Run '{name} COMMAND --help' for more."]
    return "\n".join(lines) + "\n"


def _line_of(failure: Exception) -> str:
    """Say in one line what went wrong and what to do."""
    if isinstance(failure, FieldhrError):
        text = str(failure)
    elif isinstance(failure, UnicodeDecodeError):
        text = f"FHR-REC-006: The input is not UTF-8 ({failure.reason} at byte {failure.start}). Convert it first."
    elif isinstance(failure, OSError):
        what = f"{failure.strerror or failure}: {failure.filename}" if failure.filename else str(failure)
        text = f"FHR-REC-006: {what}. Check the path and its permissions."
    else:
        where = "".join(f" {note}" for note in getattr(failure, "__notes__", ()))
        text = f"{type(failure).__name__}{where}: {failure}. Run it again with fieldhr --debug for the traceback."
    return "fieldhr: " + " ".join(text.split())


def _version() -> str:
    import importlib.metadata

    try:
        return importlib.metadata.version("fieldhr")
    except importlib.metadata.PackageNotFoundError:
        return "(without metadata)"


def _utf8_streams() -> tuple[TextIO, TextIO, TextIO]:
    """Return the process's streams, UTF-8 whatever the locale says, lines ended by one character."""
    for stream, errors in ((sys.stdin, "strict"), (sys.stdout, "backslashreplace"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(newline="\n")
    return sys.stdin or io.StringIO(), sys.stdout, sys.stderr
