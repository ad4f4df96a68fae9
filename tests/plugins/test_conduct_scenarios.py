"""The scenarios of wording: plain, hidden, negated or quoted, other languages, own account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fieldhr_core.model import Audience, Message, Outcome, Ruling, Severity, Submission
from fieldhr_plugins.conduct.check import PhraseCheck
from fieldhr_plugins.conduct.settings import ConductSettings

AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def check() -> PhraseCheck:
    return PhraseCheck(ConductSettings())


def message(text: str, number: int = 1, *, seconds: float = 0.0, **more: object) -> Message:
    values: dict[str, object] = {
        "id": f"m{number}",
        "thread": "t1",
        "rep": "rep-1",
        "customer": "c1",
        "speaker": "rep",
        "text": text,
        "time": AT + timedelta(seconds=seconds),
    }
    return Message(**(values | more))  # type: ignore[arg-type]


def rule(check: PhraseCheck, said: Message, *context: Message) -> Ruling:
    (ruling,) = check.check([Submission(id="s1", kind="message", value=said, at=said.time, context=context)])
    return ruling


@pytest.mark.req("C1")
@pytest.mark.scenario("C01")
def test_a_plain_promise_is_found_with_its_place_rule_and_context(check: PhraseCheck) -> None:
    before = [message("您好", 1), message("您之前问的理财", 2, seconds=200)]
    said = message("这款产品保本保息,放心", 3, seconds=400)
    ruling = rule(check, said, *before)
    assert ruling.outcome is Outcome.STOP
    (finding,) = ruling.findings
    assert (finding.code, finding.subject_kind, finding.subject) == ("conduct.banned_phrase", "message", "m3")
    assert finding.severity is Severity.HIGH
    assert finding.audience == (Audience.COMPLIANCE, Audience.MANAGER)
    held, context = finding.evidence
    assert held.ids == ("m3",)
    assert context.ids == ("m1", "m2")
    (hit,) = held.facts["hits"]
    assert hit["phrase"] == "保本保息"
    assert hit["spans"] == [{"message": "m3", "start": 4, "end": 8}]
    assert "广告法" in hit["rule"]
    assert hit["source"]
    assert hit["verified"] is True


HIDDEN = {
    "保 本 保 息": "保本保息",
    "保.本.保.息": "保本保息",
    "保\u200b本\u200c保\u200d息": "保本保息",
    "保證本金": "保证本金",
    "１００％保本": "100%保本",
    "百分百保本": "百分百保本",
    "bao ben bao xi": "保本保息",
    "宝本保息": "保本保息",
    "包本包息": "包本包息",
    "本金绝对安全": "本金绝对安全",
    "零风险高收益": "零风险",
    "稳赚不赔": "稳赚不赔",
    "保😀本😀保😀息": "保本保息",
}


@pytest.mark.req("C1")
@pytest.mark.scenario("C02")
@pytest.mark.parametrize(("text", "normal"), HIDDEN.items())
def test_a_hidden_promise_is_found_and_named(check: PhraseCheck, text: str, normal: str) -> None:
    ruling = rule(check, message(f"这款{text}，您考虑一下"))
    (finding,) = ruling.findings
    assert finding.code == "conduct.banned_phrase"
    assert normal in {hit["normal_form"] for hit in finding.evidence[0].facts["hits"]}


@pytest.mark.req("C1")
@pytest.mark.scenario("C02")
@pytest.mark.parametrize(("first", "second"), [("这款是保本", "保息的"), ("这款保", "本保息的"), ("绝对零风", "险")])
def test_a_phrase_split_over_two_messages_is_found_within_a_minute(check: PhraseCheck, first: str, second: str) -> None:
    earlier = message(first, 1)
    (finding,) = rule(check, message(second, 2, seconds=59), earlier).findings
    assert finding.subject == "m2"
    assert "m2" in finding.evidence[0].ids


@pytest.mark.scenario("C02")
def test_a_phrase_is_not_put_together_over_more_than_a_minute_or_two_senders(check: PhraseCheck) -> None:
    earlier = message("绝对零风", 1)
    assert not rule(check, message("险", 2, seconds=61), earlier).findings
    assert not rule(check, message("险", 2, seconds=5), message("绝对零风", 1, speaker="customer")).findings
    assert not rule(check, message("险", 2, seconds=5), message("绝对零风", 1, thread="other")).findings


QUIET = [
    "本产品不保本",
    "监管禁止承诺保本保息",
    "我们不能说保本",
    "客户问:这个保本吗?",
    "培训材料：《广告法》第二十五条规定，不得明示或者暗示保本、无风险或者保收益",
    "这只基金不承诺保本，也不承诺收益",
    "没有任何一款净值型理财是稳赚不赔的",
    "没有任何产品可以承诺稳赚不赔,您要有心理准备",
    "保本？我们做不到，净值会波动",
    "合规提醒：禁止使用“零风险”“稳赚”等字样",
    "凡是宣称稳赚不赔的都是骗局",
    "成本保本点分析",
]


@pytest.mark.req("C1")
@pytest.mark.scenario("C03")
@pytest.mark.parametrize("text", QUIET)
def test_negated_and_quoted_wording_raises_nothing(check: PhraseCheck, text: str) -> None:
    ruling = rule(check, message(text))
    assert ruling.outcome is Outcome.CLEARED
    assert not ruling.findings


@pytest.mark.scenario("C03")
def test_what_is_dismissed_stays_in_the_ruling(check: PhraseCheck) -> None:
    (ground,) = rule(check, message("本产品不保本")).grounds
    assert ground.verdict == "negated"


@pytest.mark.req("C1")
@pytest.mark.scenario("C06")
def test_own_account_goes_to_compliance_only(check: PhraseCheck) -> None:
    (finding,) = rule(check, message("转到我个人账户,我帮你操作")).findings
    assert (finding.code, finding.subject_kind, finding.subject) == ("conduct.off_book_sale", "rep", "rep-1")
    assert finding.severity is Severity.CRITICAL
    assert finding.audience == (Audience.COMPLIANCE,)
    assert not rule(check, message("转到您本人账户")).findings


@pytest.mark.req("C2")
@pytest.mark.scenario("C04")
def test_a_transcript_carries_its_offset_and_its_doubt(check: PhraseCheck) -> None:
    said = message("这个绝对宝本保息", channel="call", offset_s=192.0, confidence=0.72)
    (finding,) = rule(check, said).findings
    assert (finding.subject_kind, finding.severity) == ("call", Severity.HIGH)
    assert finding.params["offset_s"] == 192.0
    assert finding.confidence <= 0.8
    unsure = rule(check, message("这个绝对宝本保息", channel="call", offset_s=192.0, confidence=0.35))
    assert unsure.outcome is Outcome.REVIEW
    assert not unsure.findings


@pytest.mark.req("C1")
def test_a_customers_own_words_raise_nothing(check: PhraseCheck) -> None:
    ruling = rule(check, message("你们这个保本保息吗，我要稳赚不赔的", speaker="customer"))
    assert ruling.outcome is Outcome.CLEARED
    assert {ground.verdict for ground in ruling.grounds} == {"customer_said"}
