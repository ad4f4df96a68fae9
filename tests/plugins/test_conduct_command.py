"""``fieldhr conduct check``: its records."""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path

import pytest

from fieldhr_core.hooks import RegistrationContext
from fieldhr_plugins import conduct

(COMMAND,) = conduct.fieldhr_register_commands(RegistrationContext())


def run(*records: object, arguments: tuple[str, ...] = ()) -> list[dict]:
    parser = argparse.ArgumentParser()
    COMMAND.arguments(parser)
    out = io.StringIO()
    lines = "".join((record if isinstance(record, str) else json.dumps(record)) + "\n" for record in records)
    assert COMMAND.run(parser.parse_args([*arguments]), io.StringIO(lines), out) == 0
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.mark.req("C1")
def test_a_record_gets_verdict_and_findings() -> None:
    (answer,) = run({"id": "a", "text": "这款保.本.保.息，放心", "speaker": "rep", "lang": "zh"})
    assert (answer["id"], answer["verdict"]) == ("a", "violation")
    (finding,) = answer["findings"]
    assert finding["category"] == "principal_guarantee"
    assert (finding["phrase"], finding["normal_form"]) == ("保.本.保.息", "保本保息")
    assert (finding["start"], finding["end"], finding["verdict"]) == (2, 9, "violation")
    assert finding["severity"] == "high"
    assert finding["rule"]
    assert finding["source"]


def test_clean_and_dismissed_messages() -> None:
    plain, negated, customer, lawful = run(
        {"id": 1, "text": "明天下午三点见"},
        {"id": 2, "text": "本产品不保本"},
        {"id": 3, "text": "你们保本吗", "speaker": "customer"},
        {"id": 4, "text": "保本保息", "product": "deposit"},
    )
    assert plain == {"id": 1, "verdict": "clean", "findings": []}
    assert [(one["verdict"], one["findings"][0]["verdict"]) for one in (negated, customer, lawful)] == [
        ("clean", "negated"),
        ("clean", "customer_said"),
        ("clean", "lawful_product"),
    ]


def test_messages_are_read_together_and_spans_say_which() -> None:
    split, mixed = run(
        {"id": 1, "messages": ["这款保", "本保息的"]},
        {"id": 2, "messages": [{"text": "保本吗", "speaker": "customer"}, {"text": "不保本的"}, {"text": "稳赚不赔"}]},
    )
    assert split["verdict"] == "violation"
    spans = split["findings"][0]["spans"]
    assert spans == [{"message": 0, "start": 2, "end": 3}, {"message": 1, "start": 0, "end": 3}]
    assert mixed["verdict"] == "violation"
    assert [(one["message"], one["verdict"]) for one in mixed["findings"]] == [
        (0, "customer_said"),
        (1, "negated"),
        (2, "violation"),
    ]


def test_review_is_a_verdict_of_its_own() -> None:
    unsure, likely = run(
        {"id": 1, "text": "保本保息", "confidence": 0.3},
        {"id": 2, "text": "您投进来的每一分，到日子都原路回去"},
    )
    assert (unsure["verdict"], likely["verdict"]) == ("review", "review")


def test_bad_records_cost_their_own_line_only() -> None:
    answers = run(
        {"id": 1},
        "nonsense",
        {"id": 2, "text": 5},
        {"id": 3, "messages": [4]},
        {"id": 4, "messages": "x"},
        {"id": 5, "text": "保本", "lang": 3},
        {"id": 6, "text": "保本", "confidence": "x"},
        {"id": 7, "text": "保本"},
    )
    assert [answer.get("error", {}).get("code") for answer in answers] == [
        "FHR-REC-001",
        "FHR-REC-006",
        *["FHR-REC-001"] * 5,
        None,
    ]
    assert answers[-1]["verdict"] == "violation"


def test_an_unknown_speaker_is_judged_as_the_rep() -> None:
    (answer,) = run({"id": 1, "text": "保本保息", "speaker": "agent-7"})
    assert answer["verdict"] == "violation"


@pytest.mark.req("I5")
def test_own_phrases_from_a_file(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("phrase,category,severity\n聚宝计划,house_words,medium\n", "utf-8")
    (answer,) = run({"id": 1, "text": "聚宝计划"}, arguments=("--lexicon", str(own)))
    assert answer["findings"][0]["category"] == "house_words"
    assert answer["findings"][0]["severity"] == "medium"
