"""Paper: drawings are well-formed, escape what they are given, keep holes as holes; colours can be read; sheets cannot run."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from datetime import date, timedelta
from math import inf, nan
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_core import paper
from fieldhr_core.paper import charts, colours
from fieldhr_core.paper.drawing import hatched
from fieldhr_core.paper.page import _for_pdf
from fieldhr_core.paper.plan import Piece, Plan, Ring, Stop, projected
from fieldhr_core.paper.strip import Span, Strip, ribbon

NASTY = "<b>\"&'</svg><script>x</script>"
NUMBERS = st.floats(-1e6, 1e6) | st.just(nan) | st.just(inf)


def shown(value: float) -> str:
    return f"{value:g}"


def drawings(text: str = NASTY) -> dict[str, str]:
    days = [(date(2026, 3, 2) + timedelta(days=n), nan if n % 7 > 4 else float(n), text) for n in range(40)]
    plan = Plan.of(
        [Stop(at=(0, 0), verdict="at", text=text, name=text), Stop(at=(900, 500), verdict="away", text="2", tip=text)],
        [Ring(at=(0, 0), radius_m=200, name=text)],
        [Piece(points=[(0, 0), (400, 100), (900, 500)]), Piece(points=[(900, 500), (0, 0)], known=False)],
    )
    assert plan is not None
    spans = [
        Span(kind=kind, start_ms=n * 3_600_000, end_ms=(n + 1) * 3_600_000, verdict=verdict, number=n, tip=text)
        for n, (kind, verdict) in enumerate(
            [
                ("stay", "at"),
                ("move", ""),
                ("stay", "away"),
                ("gap", ""),
                ("stay", "unknown"),
                ("claim", ""),
                ("break", ""),
            ]
        )
    ]
    strip = Strip(
        width=600, low_ms=0, high_ms=8 * 3_600_000, spans=tuple(spans), instants=((5, text),), hours=((0, text),)
    )
    return {
        "bars": charts.bars([(text, 3, text), ("b", nan, "-"), ("c", -2, "x")], title=text, target=2, signed=True),
        "lines": charts.lines(
            [charts.Line(name=text, values=[1, nan, 3, 4], low=[0, nan, 2, 3], high=[2, nan, 4, 5]), charts.Line(name="2", values=[1, 2, 3, nan])],
            [text, "b", "c", "d"], title=text, shown=shown,
        ),
        "spark": charts.spark([1, nan, 2, 3], title=text),
        "intervals": charts.intervals([(text, 0.5, 0.4, 0.6, text), ("b", nan, nan, nan, "-")], title=text, shown=shown, others=[0.2, nan]),
        "dots": charts.dots([(text, [0, 30, 500], text)], title=text, top=600, shown=shown),
        "calendar": charts.calendar(days, title=text, weekdays=[text] * 7),
        "radar": charts.radar([(text, 0.5, text)] * 5, title=text, others=[0.2] * 5),
        "funnel": charts.funnel([(text, 100, text), ("b", 40, "40"), ("c", 0, "0")], title=text),
        "parts": charts.parts([("at", 3, text), ("unknown", 1, text), ("move", 0, text)], title=text),
        "events": charts.events([(text, [(0.5, s, text) for s in ("found", "missed", "false", "quiet")])], [(text, False)], title=text),
        "plan": plan.drawn(title=text, metres=shown, north=text),
        "strip": strip.drawn(title=text, rest=text),
        "ribbon": ribbon(spans, 0, 8 * 3_600_000, title=text),
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(drawings()))
def test_a_drawing_is_well_formed_has_a_text_and_says_what_it_is_given(name: str) -> None:
    drawn = drawings()[name]
    tree = ElementTree.fromstring(drawn)
    assert tree.tag == "svg"
    assert tree.get("role") == "img"
    assert tree.get("aria-label") == NASTY == tree.findtext("title")
    assert "<script" not in drawn
    assert not re.search(r'\s(id|style|on\w+)=|nan|inf"', drawn.replace("&lt;", ""))


@pytest.mark.parametrize("name", sorted(drawings()))
def test_every_class_of_a_drawing_has_a_rule_and_none_is_left_for_pdf(name: str) -> None:
    css = paper.stylesheet()
    drawn = drawings("x")[name]
    used = {each for found in re.findall(r'class="([^"]+)"', drawn) for each in found.split()}
    assert not [each for each in used - {"stretch", "ribbon", "page"} if not re.search(rf"\.{each}\b", css)]
    assert "var(" not in _for_pdf(drawn)


@pytest.mark.parametrize("palette", [colours.LIGHT, colours.DARK, colours.PAPER])
def test_what_is_read_has_contrast(palette: dict[str, str]) -> None:
    for text, ground in itertools.product(["ink", "soft", "way", "at", "away", "unknown", "alarm"], ["paper", "faint"]):
        assert contrast(palette[text], palette[ground]) >= 4.5, (text, ground)
    for text in ("at", "away", "unknown", "alarm", "way"):
        assert contrast(palette["ink"], palette[f"{text}-tint"]) >= 4.5
        assert contrast(palette[text], palette[f"{text}-tint"]) >= 4.5, text
        if text != "unknown":
            assert contrast(palette["on"], palette[text]) >= 4.5
    assert contrast(palette["edge"], palette["paper"]) >= 3
    assert set(palette) == set(colours.LIGHT)


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@given(st.lists(NUMBERS, min_size=1, max_size=30))
def test_any_numbers_make_a_drawing_and_holes_stay_holes(values: list[float]) -> None:
    drawn = charts.lines(
        [charts.Line(name="a", values=values)], [str(n) for n in range(len(values))], title="t", shown=shown
    )
    assert ElementTree.fromstring(drawn) is not None
    assert "nan" not in drawn
    finite = [v == v and abs(v) != inf for v in values]
    runs = sum(len(list(group)) > 1 for known, group in itertools.groupby(finite) if known)
    assert drawn.count("<polyline") == runs
    for other in (charts.bars([("a", v, "x") for v in values], title="t"), charts.spark(values, title="t")):
        assert "nan" not in other


@given(st.floats(0.5, 400), st.floats(0.5, 60))
def test_hatching_stays_inside(width: float, height: float) -> None:
    for x, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", hatched(10, 5, width, height).partition("hatch")[2]):
        assert 9.9 <= float(x) <= 10.1 + width
        assert 4.9 <= float(y) <= 5.1 + height


@given(st.floats(-180, 180), st.floats(-80, 80))
def test_a_map_keeps_distances_even_across_the_date_line(lon: float, lat: float) -> None:
    east = (lon + 0.01 + 180) % 360 - 180
    metres = projected([(lat, lon), (lat, east)])
    (ax, ay), (bx, by) = metres(lat, lon), metres(lat, east)
    assert abs(bx - ax) < 1200
    assert ay == by


def test_a_whole_page_allows_its_own_style_only_and_escapes_its_title() -> None:
    page = paper.page(NASTY, "<main>x</main>", language='e"n')
    assert "<script" not in page
    assert "default-src &#x27;none&#x27;" in page
    assert "style=" not in page
    assert paper.policy("a") != paper.policy("b")


def test_a_table_escapes_and_can_be_scrolled_by_keyboard() -> None:
    made = paper.table(["a", paper.Cell("n", "num")], [[NASTY, paper.Cell(1, heads_row=True)]], caption=NASTY)
    assert "<script" not in made
    assert 'tabindex="0"' in made
    assert '<th scope="row" class="num">1</th>' in made
    with pytest.raises(ValueError, match=r"argument 2"):
        paper.table(["a"], [["x", "y"]])


def test_a_radar_of_two_axes_is_refused() -> None:
    with pytest.raises(ValueError, match="three axes"):
        charts.radar([("a", 1, "1"), ("b", 1, "1")], title="t")


def test_paper_loads_nothing_heavy() -> None:
    code = (
        "import sys, fieldhr_core.paper, fieldhr_core.paper.charts, fieldhr_core.paper.plan, fieldhr_core.paper.sheets;"
        "print(sorted({'jinja2','openpyxl','weasyprint','numpy','sqlalchemy'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
