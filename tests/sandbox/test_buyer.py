"""The report's three questions: every promise is a row, what is said was tried, and both languages say all of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import attrs
import pytest

from fieldhr_core.errors import AccessError
from fieldhr_core.flow.reports import Reports
from fieldhr_sandbox import packs
from fieldhr_sandbox.buyer.fit import NOT_BUILT, fit, packs_that_try
from fieldhr_sandbox.buyer.live import ask
from fieldhr_sandbox.buyer.promises import promises
from fieldhr_sandbox.buyer.speech import LANGUAGES, Speech
from fieldhr_sandbox.page import render
from fieldhr_sandbox.report import write_pages, write_pdf
from fieldhr_sandbox.trial import read_report, run_trial

SMALL = attrs.evolve(
    packs.pack("smoke"), name="small", reps=12, days=5, plantings=(("L01", 1), ("C01", 1), ("C03", 2), ("L02/lunch", 1))
)

_DIAL = {
    "metric": "overdue_rate", "part": "after", "dialled": 0.02, "realised": 0.02, "measured": 0.031, "low": 0.02,
    "high": 0.04, "tolerance": 0.002, "holds": False,
}  # fmt: skip
_STEP = {
    "step": "noise 40 m", "tp": 91, "fp": 9, "fn": 0, "duplicates": 0, "precision": 0.91, "recall": 1.0, "missed": {},
    "false": [], "holds": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trial")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(packs.PACKS, "small", SMALL)
        run_trial("small", seed=41, out=folder, ask=ask)
    write_pages(folder)
    return folder


@pytest.mark.req("I4")
def test_every_promise_is_a_row_and_says_what_this_run_tried(out: Path) -> None:
    rows = {row["row"]: row for row in fit(read_report(out))}
    assert len(rows) == 55
    assert rows["A4"]["state"] == "shown"
    assert (rows["A4"]["planted"], rows["A4"]["found"]) == (1, 1)
    assert rows["C1"]["silent"] == rows["C1"]["kept"] == 2
    assert rows["C7"]["state"] == "untried"
    assert {row for row, each in rows.items() if each["state"] == "not_built"} == set(NOT_BUILT)
    assert not [row for row, each in rows.items() if each["state"] == "failed"], rows


@pytest.mark.req("I4")
def test_what_failed_is_never_shown_as_a_success(out: Path) -> None:
    document = read_report(out)
    missed = document["key"][0] if document["key"][0]["kind"] == "alert" else None
    missed = missed or next(record for record in document["key"] if record["kind"] == "alert")
    del document["found"][missed["instance"]]
    for proof in document["proofs"]:
        proof["holds"] = proof["row"] != "E2"
    rows = {row["row"]: row["state"] for row in fit(document)}
    assert rows["E2"] == "failed"
    assert "failed" in {rows["A4"], rows["C1"]}


@pytest.mark.req("I4", "E2")
def test_the_live_questions_notice_a_product_that_lets_everybody_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(packs.PACKS, "small", SMALL)
    honest = Reports.day

    def open_to_all(self: Reports, rep: str, *rest: Any, **more: Any) -> Any:
        try:
            return honest(self, rep, *rest, **more)
        except AccessError:
            return None

    monkeypatch.setattr(Reports, "day", open_to_all)
    document = run_trial("small", seed=42, out=tmp_path, ask=ask).document
    scope = next(proof for proof in document["proofs"] if proof["key"] == "scope")
    assert scope["holds"] is False
    assert scope["facts"]["refused"] < scope["facts"]["tried"]


@pytest.mark.req("I4", "F4")
def test_the_report_says_everything_in_both_languages(out: Path) -> None:
    english, chinese = (path.read_text(encoding="utf-8") for path in (out / "report.html", out / "report.zh-Hans.html"))
    assert 'lang="zh-Hans"' in chinese
    assert "report.zh-Hans.html" in english
    headings = re.findall(r"<h[12]>([^<]+)", chinese)
    assert headings
    assert all(re.search(r"[\u4e00-\u9fff]", heading) for heading in headings), headings
    for page in (english, chinese):
        assert not re.search(r"\{[a-z_]+\}|proof\.", page), "a sentence was not filled in"
        assert page.count("<h2>") == english.count("<h2>")
        assert "<script" not in page
        assert not re.search(r'(?:src|href)="(?:https?:)?//', page)


@pytest.mark.req("F4")
def test_translations_have_the_places_of_what_they_translate() -> None:
    known = {
        language: json.loads(
            Path(
                str(Speech.__module__ and __import__("fieldhr_sandbox").__path__[0]), "words", f"{language}.json"
            ).read_text("utf-8")
        )
        for language in LANGUAGES
    }
    places = re.compile(r"\{([a-z_]+)\}")
    for text, said in known["zh-Hans"].items():
        original = known["en"].get(text, text)
        assert sorted(places.findall(said)) == sorted(places.findall(original)), text
    assert all(set(row) == {"en", "zh-Hans"} for area in promises().values() for row in area.values())


@pytest.mark.req("I4")
def test_the_report_prints(out: Path) -> None:
    assert [path.name for path in write_pdf(out)] == ["report.pdf", "report.zh-Hans.pdf"]
    assert all((out / name).read_bytes().startswith(b"%PDF-") for name in ("report.pdf", "report.zh-Hans.pdf"))


@pytest.mark.req("I4")
def test_the_report_answers_the_three_questions_first_and_names_every_mark_that_is_missed(out: Path) -> None:
    document = read_report(out)
    page = render({**document, "dials": [_DIAL], "ladder": [_STEP]})
    glance = page.split("At a glance")[1].split("</table>")[0]
    assert [question in glance for question in ("Does it fit?", "Is it safe?", "Is it easy?")] == [True] * 3
    weak = page.split("Weak points first")[1].split("</ul>")[0]
    assert "Measured off the dial: overdue rate, after: 3.1% where 2.0% was dialled." in weak
    assert "Precision under the bar with worse phones: noise 40 m, 91.0%." in weak
    kept = render({**document, "dials": [{**_DIAL, "holds": True}], "ladder": [{**_STEP, "holds": True}]})
    assert "off the dial" not in kept
    assert "under the bar" not in kept


@pytest.mark.req("I4")
def test_a_row_that_a_run_did_not_touch_says_who_does() -> None:
    assert "words" in packs_that_try("C2", most=9)
    assert packs_that_try("F1") == []
