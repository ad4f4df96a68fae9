"""The lexicon is data: complete, sourced, extended by a file, refused with every fault named."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldhr_core.errors import ConfigError
from fieldhr_plugins.conduct.lexicon import LANGUAGES, load, with_file
from fieldhr_plugins.conduct.reader import VIOLATION, Reader, Utterance

CATEGORIES = {
    "principal_guarantee", "return_guarantee", "no_risk", "exaggerated_return", "deposit_confusion", "performance_forecast",
    "superlative", "urgency", "false_endorsement", "disparagement", "rebate", "nondisclosure", "off_channel", "replacement",
    "loan_misconduct", "collection_abuse", "private_solicitation", "aml_evasion",
}  # fmt: skip


@pytest.mark.req("C1")
def test_every_category_has_phrases_in_every_language() -> None:
    lexicon = load()
    assert set(lexicon.categories) == CATEGORIES
    for code in LANGUAGES:
        assert {entry.category.code for entry in lexicon.languages[code].entries} == CATEGORIES, code


@pytest.mark.req("C1")
def test_every_entry_names_rule_source_and_jurisdiction() -> None:
    for entry in load().entries:
        rule = entry.category.rule_for(entry.language)
        assert rule.rule
        assert rule.source
        assert entry.jurisdictions
        # Only the text of a law itself makes a rule verified.
        assert not rule.verified or "LawRefBook/Laws" in rule.source


def test_traditional_characters_are_told_the_rule_of_their_place() -> None:
    (hit,) = Reader(load()).read([Utterance(text="本金無憂")])
    assert hit.rule.jurisdiction == "TW"


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text, "utf-8")
    return str(path)


def verdicts(path: str, text: str) -> dict[str, str]:
    reader = Reader(with_file(load(), path), likeness=False)
    return {hit.category: hit.verdict for hit in reader.read([Utterance(text=text)])}


@pytest.mark.req("I5")
def test_a_table_adds_phrases_and_categories(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "own.csv",
        "\ufeffphrase,category,severity,rule\n小金库计划,house_words,low,内部规定3.2\n神仙理财 ~4 翻,exaggerated_return,critical,\nmoon plan,house_words,,\n",
    )
    assert verdicts(path, "我们的小.金.库计划") == {"house_words": VIOLATION}
    assert verdicts(path, "不谈小金库计划") == {"house_words": "negated"}
    assert verdicts(path, "神仙理财马上翻") == {"exaggerated_return": VIOLATION}
    assert verdicts(path, "Our Moon-Plan starts") == {"house_words": VIOLATION}
    reader = Reader(with_file(load(), path), likeness=False)
    (hit,) = reader.read([Utterance(text="小金库计划")])
    assert (hit.severity, hit.rule.rule, hit.rule.source) == ("low", "内部规定3.2", "own.csv")
    (hit,) = reader.read([Utterance(text="神仙理财翻")])
    assert hit.severity == "critical"


@pytest.mark.req("I5")
def test_a_table_switches_a_phrase_off(tmp_path: Path) -> None:
    path = write(tmp_path, "own.csv", "phrase,category,severity\n手慢无,urgency,off\n")
    assert VIOLATION in Reader(load()).read([Utterance(text="手慢无")])[0].verdict
    assert verdicts(path, "手慢无") == {}


@pytest.mark.req("I5")
def test_toml_and_json_of_the_packages_own_form_work(tmp_path: Path) -> None:
    toml = write(
        tmp_path,
        "own.toml",
        'language = "zh"\nguards = "小金库房"\n[words]\nvow = "拍板 画押"\n[phrases]\nreturn_guarantee = """\n{vow} ~3 收租\n"""\n',
    )
    assert verdicts(toml, "我画押给您收租") == {"return_guarantee": VIOLATION}
    json = write(tmp_path, "own.json", '{"language": "en", "phrases": {"no_risk": "bombproof"}}')
    assert verdicts(json, "It is bombproof.") == {"no_risk": VIOLATION}


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.csv", "word,kind\nx,y\n", "phrase,category,severity"),
        ("a.csv", "phrase,category,severity\n稳,no_risk,dire\n", "line 2"),
        ("a.csv", "phrase,category,severity\n稳,no_risk,high\n,no_risk,low\n", "line 3"),
        ("a.csv", "phrase,category,language\nsur,no_risk,fr\n", "language"),
        ("a.csv", "phrase,category\n{nothing} ~2 x,no_risk\n", "nothing"),
        ("a.toml", 'language = "xx"\n', "xx"),
        ("a.toml", "language = \n", "a.toml"),
        ("a.toml", 'language = "zh"\nfrases = 1\n', "frases"),
        ("a.toml", 'language = "zh"\n[phrases]\nno_risc = "x"\n', "no_risc"),
        ("a.toml", 'language = "zh"\n[phrases]\nno_risk = 3\n', "no_risk"),
        ("a.toml", 'language = "zh"\n[phrases]\nno_risk = "a ~3"\n', "a ~3"),
        ("a.toml", 'language = "zh"\n[phrases]\nno_risk = "a <2> b <2> c"\n', "two parts"),
        ("a.json", "[1]", "object"),
        ("a.json", "{", "a.json"),
    ],
)
def test_a_faulty_file_is_refused_with_the_place(tmp_path: Path, name: str, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        with_file(load(), write(tmp_path, name, text))
    assert caught.value.code == "FHR-CFG-001"
    assert told in str(caught.value)


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "phrase,category,severity\na,no_risk,dire\nb,,low\nc,no_risk,bad\n")
    with pytest.raises(ConfigError) as caught:
        with_file(load(), path)
    assert len(caught.value.where["problems"]) == 3  # type: ignore[arg-type]


def test_a_missing_file_or_one_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        with_file(load(), str(tmp_path / "none.csv"))
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(ConfigError):
        with_file(load(), str(tmp_path / "b.csv"))
