"""Settings: every problem at once, with its path and what was probably meant; schemas say the same as the code."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import date, time
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import attrs
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_core.errors import ConfigError, PluginLoadError
from fieldhr_core.hooks import Offer, PluginInfo, hookimpl
from fieldhr_core.hooks.loader import Registry
from fieldhr_core.hooks.settings import json_schema, read_settings


class Mode(enum.StrEnum):
    FAST = "fast"
    SAFE = "safe"


@attrs.frozen(kw_only=True)
class Route:
    """Where to."""

    to: str = ""
    level: int = 1


@attrs.frozen(kw_only=True)
class Settings:
    """Everything a setting can be.

    More words.

    Attributes:
        dwell_s: seconds until it counts,
            in whole.
        low, high: two ends.
    """

    dwell_s: int = attrs.field(default=1800, validator=attrs.validators.ge(0))
    low: float = attrs.field(default=0.0, validator=[attrs.validators.ge(0), attrs.validators.lt(10)])
    high: float = 10.0
    on: bool = True
    name: str = "x"
    mode: Mode = Mode.FAST
    kind: Literal["a", "b"] = "a"
    since: date | None = None
    at: time = time(9, 30)
    words: tuple[str, ...] = ()
    pair: tuple[int, str] = (1, "x")
    sizes: list[float] = attrs.field(factory=list)
    tags: frozenset[str] = frozenset()
    weights: Mapping[str, float] = attrs.field(factory=dict)
    routes: tuple[Route, ...] = ()
    main: Route = Route()
    either: int | str = 0
    noted: Annotated[int, "a note"] = 0
    never: None = None
    choice: str = attrs.field(default="p", validator=attrs.validators.in_(["p", "q"]))
    made: int = attrs.field(default=7, init=False)
    free: Any = None
    key: str = attrs.field(default="", repr=False, validator=attrs.validators.matches_re("[a-z]*"))

    def __attrs_post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low is above high")


def problems(given: Any, cls: type[Any] = Settings) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_settings(cls, given, "plugins.acme.x")
    assert caught.value.code == "FHR-CFG-001"
    found = caught.value.where["problems"]
    assert isinstance(found, tuple)
    assert all(problem in caught.value.message for problem in found)
    return list(found)


def test_defaults_and_values_of_every_kind() -> None:
    assert read_settings(Settings, {}) == Settings()
    given = {
        "dwell_s": 5.0,
        "low": 1,
        "mode": "safe",
        "kind": "b",
        "since": "2026-03-02",
        "at": "18:05",
        "words": ["p", "q"],
        "pair": [2, "y"],
        "sizes": [1, 2.5],
        "tags": ["t"],
        "weights": {"w": 1},
        "routes": [{"to": "m"}, {"level": 3}],
        "main": {"to": "z"},
        "either": "seven",
        "free": {"any": [1]},
    }
    read = read_settings(Settings, given)
    assert read == Settings(
        dwell_s=5,
        low=1.0,
        mode=Mode.SAFE,
        kind="b",
        since=date(2026, 3, 2),
        at=time(18, 5),
        words=("p", "q"),
        pair=(2, "y"),
        sizes=[1.0, 2.5],
        tags=frozenset({"t"}),
        weights={"w": 1.0},
        routes=(Route(to="m"), Route(level=3)),
        main=Route(to="z"),
        either="seven",
        free={"any": [1]},
    )
    assert isinstance(read.low, float)
    assert isinstance(read.dwell_s, int)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"dwel_s": 1}, "plugins.acme.x.dwel_s: no such setting, did you mean 'dwell_s'?"),
        ({"zzzz": 1}, "plugins.acme.x.zzzz: no such setting; there are dwell_s, low"),
        ({"dwell_s": "1"}, "plugins.acme.x.dwell_s: expected a whole number, got '1'"),
        ({"dwell_s": True}, "expected a whole number, got True"),
        ({"dwell_s": 1.5}, "expected a whole number, got 1.5"),
        ({"low": float("nan")}, "expected a number, got nan"),
        ({"on": 1}, "expected true or false, got 1"),
        ({"name": None}, "expected a text, got None"),
        ({"mode": "slow"}, "expected one of 'fast', 'safe', got 'slow'"),
        ({"kind": "c"}, "expected one of 'a', 'b'"),
        ({"since": "2.3."}, "expected a date such as 2026-03-02, got '2.3.'"),
        ({"at": 9}, "expected a time such as 09:30, got 9"),
        ({"words": "pq"}, "expected a list, got 'pq'"),
        ({"words": ["p", 3]}, "plugins.acme.x.words[1]: expected a text, got 3"),
        ({"pair": [1]}, "expected a list of 2"),
        ({"weights": {"w": "heavy"}}, "plugins.acme.x.weights.w: expected a number"),
        ({"weights": [1]}, "expected a table"),
        ({"routes": [{"too": "m"}]}, "plugins.acme.x.routes[0].too: no such setting, did you mean 'to'?"),
        ({"main": 3}, "plugins.acme.x.main: expected a table of settings"),
        ({"noted": "x"}, "plugins.acme.x.noted: expected a whole number"),
        ({"never": 1}, "plugins.acme.x.never: expected nothing"),
        ({"made": 8}, "plugins.acme.x.made: no such setting"),
        ({"either": 1.5}, "expected a whole number or a text"),
        ({"name": "x" * 99, "on": "y" * 99}, "got 'yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy..."),
        ({"dwell_s": -1}, "plugins.acme.x.dwell_s: 'dwell_s' must be >= 0: -1"),
        ({"low": 5, "high": 3}, "plugins.acme.x: low is above high"),
        ([], "plugins.acme.x: expected a table of settings, got []"),
    ],
)
def test_a_problem_has_its_path_and_what_was_expected(given: Any, says: str) -> None:
    (found,) = problems(given)
    assert found.startswith("plugins.acme.x")
    assert says in found


def test_all_problems_are_told_together() -> None:
    assert len(problems({"dwell_s": "x", "on": 3, "nonsense": 1, "words": [1, 2]})) == 5


def test_a_secret_is_never_shown() -> None:
    for secret in (12345, "12345"):
        (found,) = problems({"key": secret})
        assert found.startswith("plugins.acme.x.key: ")
        assert "12345" not in found


def test_schema_accepts_what_the_reader_accepts_and_says_what_it_is() -> None:
    schema = json_schema(Settings)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["description"] == "Everything a setting can be."
    assert schema["properties"]["dwell_s"] == {
        "type": "integer",
        "minimum": 0,
        "default": 1800,
        "description": "seconds until it counts, in whole.",
    }
    assert schema["properties"]["low"]["exclusiveMaximum"] == 10
    assert schema["properties"]["high"]["description"] == "two ends."
    assert schema["properties"]["main"]["default"] == {"to": "", "level": 1}
    assert schema["properties"]["at"]["default"] == "09:30:00"
    assert "default" not in schema["properties"]["key"]
    assert "made" not in schema["properties"]
    assert schema["properties"]["choice"]["enum"] == ["p", "q"]
    assert schema["properties"]["noted"]["type"] == "integer"
    defaults = {name: prop["default"] for name, prop in schema["properties"].items() if "default" in prop}
    jsonschema.validate(defaults, schema)
    assert read_settings(Settings, defaults) == Settings()


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(-5, 5), st.sampled_from(["a", "fast", "2026-03-02", ""])
)


@given(st.dictionaries(st.sampled_from(["dwell_s", "on", "mode", "kind", "either", "name", "free", "other"]), VALUES))
def test_reader_and_schema_agree(given: dict[str, Any]) -> None:
    fits = jsonschema.Draft202012Validator(json_schema(Settings)).is_valid(given)
    try:
        read_settings(Settings, given)
    except ConfigError:
        assert not fits
    else:
        assert fits


# -- through a registry ------------------------------------------------------------------------------------------


def registry() -> Registry:
    @hookimpl
    def fieldhr_register_scorers() -> list[Offer[Any]]:
        return [Offer("s", lambda settings: SimpleNamespace(metrics=(), score=lambda tables: settings))]

    found = Registry()
    plugins = [
        SimpleNamespace(PLUGIN=info, fieldhr_register_scorers=fieldhr_register_scorers)
        for info in (PluginInfo(name="acme.set", version="1", settings=Settings),)
    ]

    @hookimpl
    def fieldhr_register_connectors() -> None:
        return None

    bare = SimpleNamespace(
        PLUGIN=PluginInfo(name="acme.bare", version="1"), fieldhr_register_connectors=fieldhr_register_connectors
    )
    found.load([*plugins, bare], autoload=False)
    return found


def test_settings_of_a_tenant_are_checked_whole() -> None:
    found = registry()
    found.check_settings({"acme.set": {"dwell_s": 1}, "acme.bare": {}, "fieldhr": 1}, besides=["fieldhr"])
    with pytest.raises(ConfigError) as caught:
        found.check_settings({"acme.set": {"on": 1, "x": 2}, "acme.bare": {"y": 1}, "acme.sett": {}})
    assert [str(problem).partition(":")[0] for problem in caught.value.where["problems"]] == [  # type: ignore[attr-defined]
        "plugins.acme.set.on",
        "plugins.acme.set.x",
        "plugins.acme.bare",
        "plugins.acme.sett",
    ]
    assert "did you mean 'acme.set'" in str(caught.value)
    with pytest.raises(PluginLoadError, match="did you mean"):
        found.settings_for("acme.sets", {})


def test_a_provider_is_made_anew_when_its_settings_change_and_only_then() -> None:
    found = registry()
    first = found.provider("scorers", "s", tenant="t", settings={"acme.set": {"dwell_s": 1}})
    assert found.provider("scorers", "s", tenant="t", settings={"acme.set": {"dwell_s": 1}, "other": {}}) is first
    second = found.provider("scorers", "s", tenant="t", settings={"acme.set": {"dwell_s": 2}})
    assert second is not first
    assert second.provider.score(None).dwell_s == 2
