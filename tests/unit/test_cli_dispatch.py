"""``fieldhr``: the right command, no more loaded than needed, every failure one line with what to do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from fieldhr_core.cli import configfile, dispatch
from fieldhr_core.cli.configfile import disabled_plugins, write_disabled_plugins
from fieldhr_core.cli.dispatch import CORE, main
from fieldhr_core.errors import ConfigError, RecordError
from fieldhr_core.hooks.builtin import BUILTIN, BUILTIN_COMMANDS
from fieldhr_core.hooks.discovery import builtin_candidates
from fieldhr_core.hooks.plugin import Command

Outcome = tuple[int, str, str]
Run = Callable[..., Outcome]


def command(*path: str, run: Callable[..., int] = lambda args, stdin, stdout: 0, summary: str = "Does it.") -> Command:
    return Command(path=path, summary=summary, arguments=lambda parser: None, run=run)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run ``fieldhr`` in this process with the given commands of strangers' plugins, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fieldhr_core.hooks.discovery.installed_candidates", lambda: ["a stranger"])

    def run(*words: str, commands: tuple[Command, ...] = ()) -> Outcome:
        found = {each.path: ("acme.sample", each) for each in commands}
        monkeypatch.setattr(
            dispatch, "_plugin_commands", lambda candidates, disabled: dict(found) if candidates else {}
        )
        status = main(words)
        out, err = capfd.readouterr()
        return status, out, err

    return run


# -- finding -----------------------------------------------------------------------------------------------------


def test_the_longest_path_is_meant(run: Run) -> None:
    said: list[Any] = []

    def note(name: str) -> Callable[..., int]:
        return lambda args, stdin, stdout: said.append(name) or 0  # type: ignore[func-returns-value]

    commands = (command("a", run=note("a")), command("a", "b", run=note("a b")))
    assert run("a", "b", commands=commands)[0] == 0
    assert run("a", commands=commands)[0] == 0
    assert said == ["a b", "a"]


def test_arguments_come_parsed_and_the_status_goes_out(run: Run) -> None:
    def arguments(parser: Any) -> None:
        parser.add_argument("file", nargs="*", help="x")
        parser.add_argument("--n", type=int, help="x")

    def work(args: Any, stdin: Any, stdout: Any) -> int:
        stdout.write(f"{args.file} {args.n} {args.disabled}\n")
        return 1

    one = Command(path=("do",), summary="", arguments=arguments, run=work)
    assert run("do", "x", "-", "--n", "3", commands=(one,)) == (1, "['x', '-'] 3 ()\n", "")


def test_help_lists_groups_and_a_group_its_commands(run: Run) -> None:
    commands = (command("zoo", "feed"), command("zoo", "close", "now"), command("ark", summary="Floats."))
    status, out, err = run("--help", commands=commands)
    assert (status, err) == (0, "")
    assert "\n  ark        commands of acme.sample\n" in out
    assert "\n  plugins    for integrators" in out
    assert "\n  places     stays" in out
    status, out, _ = run("zoo", "--help", commands=commands)
    assert status == 0
    assert "usage: fieldhr zoo COMMAND" in out
    assert "\n  close  now\n  feed   Does it.\n" in out
    assert "ark" not in out


@pytest.mark.parametrize("words", [(), ("zoo",)])
def test_a_group_alone_is_wrong_use(words: tuple[str, ...], run: Run) -> None:
    status, out, err = run(*words, commands=(command("zoo", "feed"),))
    assert (status, out) == (2, "")
    assert "usage: fieldhr" in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("zo",), "fieldhr has no command 'zo', did you mean 'zoo'?"),
        (("zoo", "fed"), "fieldhr zoo has no command 'fed', did you mean 'feed'? Run: fieldhr zoo --help"),
        (("--fast",), "There is no option '--fast'. Run: fieldhr --help"),
        (("zoo", "feed", "--fast"), "unrecognized arguments: --fast. Run: fieldhr zoo feed --help"),
        (("plugins", "lst"), "fieldhr plugins has no command 'lst', did you mean 'list'?"),
        (("plugins", "disable"), "the following arguments are required: NAME. Run: fieldhr plugins disable --help"),
    ],
)
def test_wrong_use_is_one_line_that_says_what_to_do(words: tuple[str, ...], says: str, run: Run) -> None:
    status, out, err = run(*words, commands=(command("zoo", "feed"),))
    assert (status, out) == (2, "")
    assert err.startswith("fieldhr: FHR-CLI-001: ")
    assert says in err
    assert err.count("\n") == 1


def test_of_two_commands_of_one_path_a_core_one_wins_and_strangers_add_nothing_to_it(run: Run) -> None:
    def never(*_: Any) -> NoReturn:
        raise AssertionError

    status, _, err = run("plugins", "steal", commands=(command("plugins", "steal", run=never),))
    assert status == 2
    assert "no command 'steal'" in err
    assert "steal" not in run("--help", commands=(command("plugins", "steal", run=never),))[1]


def test_a_built_in_command_loads_its_own_plugin_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    asked: list[list[str]] = []

    def plugin_commands(candidates: Any, disabled: set[str]) -> dict[Any, Any]:
        asked.append([candidate.key for candidate in candidates])
        return {("places", "day"): ("fieldhr.places", command("places", "day"))} if len(asked) == 1 else {}

    monkeypatch.setattr(dispatch, "_plugin_commands", plugin_commands)
    assert main(["places", "day"]) == 0
    assert asked == [["phones", "places"]]
    main(["no-such-command"])
    assert len(asked[1]) >= len(BUILTIN)


def test_the_table_of_built_in_commands_is_true() -> None:
    found: dict[str, set[str]] = {}
    for path, (plugin, _) in dispatch._plugin_commands(builtin_candidates(), set()).items():
        found.setdefault(path[0], set()).add(plugin)
    table = {word: {f"fieldhr.{key}" for key in keys} for word, (_, keys) in BUILTIN_COMMANDS.items()}
    assert found == table, "correct BUILTIN_COMMANDS in fieldhr_core/hooks/builtin.py"
    assert all(about for about, _ in BUILTIN_COMMANDS.values())


def test_help_imports_no_built_in_plugin(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom fieldhr_core.cli import main\nmain(['--help'])\n"
        "sys.exit(','.join(name for name in sys.modules if name.startswith('fieldhr_plugins')))"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert child.stderr == "\n"


def test_core_names_every_module_with_commands() -> None:
    import fieldhr_core.cli

    folder = Path(fieldhr_core.cli.__file__).parent
    with_commands = {file.stem for file in folder.glob("*.py") if "\nCOMMANDS" in file.read_text(encoding="utf-8")}
    assert set(CORE) == with_commands


# -- failing -----------------------------------------------------------------------------------------------------


def raising(failure: BaseException) -> Callable[..., int]:
    def work(*_: Any) -> NoReturn:
        raise failure

    return work


@pytest.mark.parametrize(
    ("failure", "line"),
    [
        (RecordError("No zone.", code="FHR-REC-002", hint="Send\none."), "fieldhr: FHR-REC-002: No zone. Send one.\n"),
        (FileNotFoundError(2, "No such file", "x.gpx"), "fieldhr: FHR-REC-006: No such file: x.gpx. Check the path"),
        (
            UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
            "fieldhr: FHR-REC-006: The input is not UTF-8",
        ),
        (
            KeyError("x"),
            "fieldhr: KeyError in 'fieldhr do' of the plugin acme.sample: 'x'. Run it again with fieldhr --debug",
        ),
    ],
)
def test_a_failure_is_one_line_and_status_2(failure: Exception, line: str, run: Run) -> None:
    status, out, err = run("do", commands=(command("do", run=raising(failure)),))
    assert (status, out) == (2, "")
    assert err.startswith(line)
    assert err.count("\n") == 1


def test_debug_shows_the_traceback(run: Run) -> None:
    with pytest.raises(KeyError):
        run("--debug", "do", commands=(command("do", run=raising(KeyError("x"))),))


@pytest.mark.parametrize(
    ("failure", "status"),
    [(KeyboardInterrupt(), 130), (SystemExit(1), 1), (SystemExit(None), 0), (SystemExit("text"), 2)],
)
def test_exits_of_a_command(failure: BaseException, status: int, run: Run) -> None:
    assert run("do", commands=(command("do", run=raising(failure)),))[0] == status


@pytest.mark.skipif(not hasattr(signal, "SIGPIPE"), reason="no SIGPIPE on this system")
def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    child = subprocess.run(
        [sys.executable, "-m", "fieldhr_core.cli", "--help"],
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
        cwd=tmp_path,
    )
    os.close(write)
    assert child.stderr == b""
    assert child.returncode == 141


def test_streams_are_utf8_whatever_the_locale(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom fieldhr_core.cli import dispatch\nfrom fieldhr_core.hooks.plugin import Command\n"
        "def work(args, stdin, stdout):\n    stdout.write(stdin.read() + '\\udc80')\n    return 0\n"
        "found = {('do',): ('a.b', Command(path=('do',), summary='', arguments=lambda p: None, run=work))}\n"
        "dispatch._plugin_commands = lambda *_: found\nsys.exit(dispatch.main(['do']))\n"
    )
    child = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-c", code],
        input="张三\n".encode(),
        capture_output=True,
        env={**os.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"},
        check=True,
        cwd=tmp_path,
    )
    assert child.stdout == "张三\n\\udc80".encode()


@pytest.mark.slow
def test_version_and_real_help(run_fieldhr: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    assert run_fieldhr("--version").stdout.startswith("fieldhr ")
    done = run_fieldhr("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "plugins" in done.stdout


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    heavy = (
        "sqlalchemy",
        "numpy",
        "cryptography",
        "jinja2",
        "faker",
        "hypothesis",
        "pytest",
        "alembic",
        "asyncio",
        "openpyxl",
    )
    code = (
        "import io, sys\nfrom fieldhr_core.cli import main\nmain(['--help'])\n"
        f"sys.exit(','.join(sorted(set({heavy!r}) & set(sys.modules))))"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert child.stderr == "\n"


# -- fieldhr.toml ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before",
    [
        "",
        "# ours\n",
        'disabled = ["acme.old"]\n',
        'disabled = [\n  "acme.old", # broken\n  "acme.new",\n]\nother = 1\n',
        "[section]\ndisabled_too = 3\n",
        'first = 1\ndisabled=["x.y"]\n[section]\ndisabled = ["not this"]\n',
    ],
)
def test_disabling_keeps_the_rest_of_the_file(before: str, tmp_path: Path) -> None:
    (tmp_path / "fieldhr.toml").write_text(before, encoding="utf-8")
    write_disabled_plugins(["b.b", "a.a", "b.b"], tmp_path)
    assert disabled_plugins(tmp_path) == ("a.a", "b.b")
    after = tomllib.loads((tmp_path / "fieldhr.toml").read_text(encoding="utf-8"))
    rest = {key: value for key, value in tomllib.loads(before).items() if key != "disabled"}
    assert {key: value for key, value in after.items() if key != "disabled"} == rest
    write_disabled_plugins([], tmp_path)
    assert disabled_plugins(tmp_path) == ()
    assert [file.name for file in tmp_path.iterdir()] == ["fieldhr.toml"]


@pytest.mark.parametrize("text", ["disabled = ", "disabled = 'x'", "disabled = [1]", '"disabled" = ["a.b"]', "\x00"])
def test_a_file_that_cannot_be_used_says_so(text: str, tmp_path: Path) -> None:
    (tmp_path / "fieldhr.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"fieldhr\.toml cannot be used"):
        write_disabled_plugins(["c.d"], tmp_path)
    assert (tmp_path / "fieldhr.toml").read_text(encoding="utf-8") == text


def test_no_file_disables_nothing(tmp_path: Path) -> None:
    assert disabled_plugins(tmp_path) == ()
    assert configfile.FILE_NAME == "fieldhr.toml"
