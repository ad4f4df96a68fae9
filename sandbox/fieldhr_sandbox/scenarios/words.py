"""Rows C: words. A scenario changes the text of an answer that the rep gives anyway."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs

from fieldhr_core.errors import SandboxError
from fieldhr_core.model import Message
from fieldhr_sandbox.scenarios.base import Site, Unplantable, scenario
from fieldhr_sandbox.script import Handed, Script
from fieldhr_sandbox.world import Rep

_PHRASE: Final = "conduct.banned_phrase"
_OFF_BOOK: Final = "conduct.off_book_sale"
_WEALTH: Final = "wealth_product"

_PLAIN: Final = (
    "这款产品保本保息,放心",
    "这只产品我跟您保证,本金绝对不会亏",
    "您放心买,稳赚不赔的",
    "这个理财零风险,收益还高",
    "我们这款承诺收益,到期还本付息没问题",
    "保本的,到期一分不少给您",
)

#: (messages, normal form): hidden promises; two messages are sent within a minute of each other.
_HIDDEN: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    (("这款保 本 保 息,可以考虑",), "保本保息"),
    (("这款保.本.保.息,可以考虑",), "保本保息"),
    (("放心,保\u200b本\u200b保\u200b息",), "保本保息"),
    (("這款產品保證本金,您放心",), "保证本金"),
    (("这款１００％保本,没问题",), "100%保本"),
    (("我跟您说百分百保本",), "百分百保本"),
    (("这个 bao ben bao xi 的",), "保本保息"),
    (("这个宝本保息的,很多客户买",), "保本保息"),
    (("包本包息,不用担心",), "保本保息"),
    (("本金绝对安全,这点我敢说",), "本金绝对安全"),
    (("零风险高收益,很划算",), "零风险高收益"),
    (("这个产品稳赚不赔",), "稳赚不赔"),
    (("保😀本😀保😀息,懂的都懂",), "保本保息"),
    (("这个产品是保", "本保息的,您放心"), "保本保息"),
)

_INNOCENT: Final = (
    "本产品不保本,请您注意阅读风险揭示书",
    "监管禁止承诺保本保息,我们都按规定说明",
    "我们不能说保本,收益也不是固定的",
    "客户问:这个保本吗?我已经说明不保本",
    "培训材料里写了:不得使用“保本保息”“零风险”等用语",
    "这是净值型产品,非保本浮动收益",
    "没有任何产品可以承诺稳赚不赔,您要有心理准备",
    "如果有人跟您说零风险高收益,请一定要小心",
    "成本保本点分析表我发您邮箱",
    "您问能不能保证收益,按规定是不可以的",
)

#: (language, promise, the same taken back): the product must find the one and let the other be.
_ELSEWHERE: Final = (
    ("en", "This plan comes with guaranteed principal, it is risk-free.", "The principal is not guaranteed."),
    ("ja", "この商品は元本保証です。", "この商品は元本保証ではありません。"),
    ("ko", "이 상품은 원금 보장됩니다.", "이 상품은 원금 보장이 되지 않습니다."),
    ("zh-Hant", "這檔商品保證收益,您放心。", "這檔商品不保證收益。"),
    ("vi", "Em cam kết không mất vốn.", "Chúng tôi không cam kết lợi nhuận."),
    ("th", "กองทุนนี้รับประกันเงินต้น", "กองทุนนี้ไม่รับประกันเงินต้น"),
)

_OWN_ACCOUNT: Final = (
    "您把钱转到我个人账户,我帮您操作",
    "款项先打到我的银行卡,我替您买",
    "账号密码给我,我来替您操作就行",
)
_YOUR_ACCOUNT: Final = (
    "到期后资金会转到您本人账户",
    "赎回款三天内转到您本人的银行卡",
    "请您自己在手机银行里操作,密码不要告诉任何人",
)


_NEW_PHRASE: Final = "conduct.new_phrase"
#: Words that nobody has heard before, and how they come up.
_WORDS: Final = ("铁布衫", "金罩子", "定心锁", "稳盘扣", "护盘伞")
_ADDED: Final = (
    ",这单有{w}的。",
    ",给您配了{w}。",
    ",咱们带{w},您看呢?",
    "。对了,{w}已经安排上了。",
    ",老客户都要{w}。",
    "。{w}您听说过吧?",
    ",有{w}在呢。",
    "。这边{w}名额给您留着。",
)
_DECIDES_S: Final = 9 * 3600
_NIGHT_S: Final = 23 * 3600 + 60
_DAY_S: Final = 24 * 3600


@scenario("C01", "Plain promise", req=["C1"])
def _plain_promise(site: Site) -> None:
    _say(site, (site.draw.pick(site.recipe.banned or _PLAIN),), {})


@scenario("C02", "Hidden promise", req=["C1"])
def _hidden_promise(site: Site) -> None:
    texts, normal = _HIDDEN[site.ordinal % len(_HIDDEN)]
    _say(site, texts, {"normal_form": normal})


@scenario("C03", "Negated or quoted", req=["C1"])
def _negated(site: Site) -> None:
    innocent = site.recipe.allowed or _INNOCENT
    text = innocent[site.ordinal % len(innocent)]
    message = _reword(site, site.script(), (text,))
    site.silent((_PHRASE,), subject_kind="message", subject=message.id)


@scenario("C04", "Said aloud", req=["C2"])
def _said_aloud(site: Site) -> None:
    script = site.script()
    message = _reword(site, script, ("这个绝对宝本保息",), confidence=0.72, offset_s=192.0)
    second = round((message.time - site.days.instant(script.day, 0)).total_seconds())
    site.expect(
        _PHRASE,
        "high",
        window=(script.day, second, second),
        earliest_s=second,
        detect_by_s=second + 60,
        subject_kind="call",
        subject=message.thread,
        dose={"confidence": 0.72, "offset_s": 192.0},
    )


@scenario("C04/unsure", "Said aloud, hardly understood", req=["C2"])
def _hardly_understood(site: Site) -> None:
    message = _reword(site, site.script(), ("这个绝对宝本保息",), confidence=0.35, offset_s=192.0)
    site.silent((_PHRASE,), subject_kind="call", subject=message.thread)


@scenario("C05", "Other languages", req=["C1", "F4"])
def _other_languages(site: Site) -> None:
    language, promise, _ = _ELSEWHERE[site.ordinal % len(_ELSEWHERE)]
    _say(site, (promise,), {"language": language}, language=language)


@scenario("C05/negated", "Other languages, taken back", req=["C1", "F4"])
def _other_languages_negated(site: Site) -> None:
    language, _, denial = _ELSEWHERE[site.ordinal % len(_ELSEWHERE)]
    message = _reword(site, site.script(), (denial,), language=language)
    site.silent((_PHRASE,), subject_kind="message", subject=message.id)


@scenario("C06", "Own account", req=["C1"])
def _own_account(site: Site) -> None:
    script = site.script()
    message = _reword(site, script, (site.draw.pick(_OWN_ACCOUNT),))
    second = round((message.time - site.days.instant(script.day, 0)).total_seconds())
    site.expect(_OFF_BOOK, "critical", window=(script.day, second, second), earliest_s=second, detect_by_s=second + 1)


@scenario("C06/own", "The customer's account", req=["C1"])
def _customers_account(site: Site) -> None:
    _reword(site, site.script(), (site.draw.pick(_YOUR_ACCOUNT),))
    site.silent((_OFF_BOOK,))


@scenario("C09", "Wording wave", req=["C1", "C9"])
def _wording_wave(site: Site) -> None:
    word = _WORDS[site.ordinal % len(_WORDS)]
    span = _span(site)
    end, later = span[-1], _next_working(site, span[-1])
    places = _places(site, _branch(site), span, 40)
    (place,) = _places(site, site.world.reps, (later,), 1)
    said = _spread(site, places, word)
    site.expect(
        _NEW_PHRASE,
        "low",
        window=(span[0], 0, _NIGHT_S),
        day=end,
        earliest_s=-_DAY_S * (end - span[0]),
        detect_by_s=_NIGHT_S,
        subject_kind="branch",
        subject=site.rep.branch.id,
        dose={"uses": len(said), "days": len(span)},
    )
    # Compliance confirms it the next morning; from then on it is a banned phrase, whoever says it.
    decision = {"code": _NEW_PHRASE, "subject": site.rep.branch.id, "reason": "confirmed by the trial's compliance"}
    script = site.scripts[site.rep.index, later]
    script.handed.append(Handed(at=site.days.instant(later, _DECIDES_S), kind="decision", value=decision))
    (message,) = _spread(site, (place,), word)
    second = round((message.time - site.days.instant(later, 0)).total_seconds())
    site.expect(
        _PHRASE,
        "high",
        window=(later, second, second),
        earliest_s=second,
        detect_by_s=second + 1,
        subject_kind="message",
        subject=message.id,
        dose={"after": "confirmed"},
    )


@scenario("C09/internal", "A new word in an internal channel", req=["C1", "C9"])
def _internal_word(site: Site) -> None:
    span = _span(site)
    _spread(site, _places(site, _branch(site), span, 40), "降噪包", channel="it_support", customer=None)
    site.silent((_NEW_PHRASE,), until=span[-1], subject_kind="branch", subject=site.rep.branch.id)


@scenario("C09/everywhere", "A new word in every branch", req=["C1", "C9"])
def _everywhere(site: Site) -> None:
    span = _span(site)
    of_branch = [[rep for rep in site.world.reps if rep.branch is branch] for branch in site.world.branches]
    places = [_places(site, reps, span, 4 * len(reps)) for reps in of_branch]
    for branch, found in zip(site.world.branches, places, strict=True):
        _spread(site, found, "春耕礼遇季")
        site.silent((_NEW_PHRASE,), until=span[-1], subject_kind="branch", subject=branch.id)


@scenario("C09/one-rep", "One rep's pet phrase", req=["C1", "C9"])
def _pet_phrase(site: Site) -> None:
    span = _span(site)
    _branch(site)
    _spread(site, _places(site, (site.rep,), span, 20), "妥妥滴哈")
    site.silent((_NEW_PHRASE,), until=span[-1], subject_kind="branch", subject=site.rep.branch.id)


def _span(site: Site) -> tuple[int, ...]:
    """Return up to five working days from the site's on, with two before them and one after."""
    working = list(site.days.working())
    first = working.index(site.days_used[0])
    length = min(5, len(working) - 3)
    if first < 2 or length < 2 or first + length >= len(working):
        raise Unplantable
    return tuple(working[first : first + length])


def _next_working(site: Site, day: int) -> int:
    return next(each for each in site.days.working() if each > day)


def _branch(site: Site) -> list[Rep]:
    """Return the reps of a branch in which no other word spreads."""
    branch = site.rep.branch
    key = f"wave-{branch.id}"
    reps = [rep for rep in site.world.reps if rep.branch is branch]
    if key in site.world.reserved or len(reps) < 6:
        raise Unplantable
    site.world.reserved.add(key)
    return reps


def _places(site: Site, reps: Sequence[Rep], span: Sequence[int], at_most: int) -> list[tuple[Script, int]]:
    """Return messages of reps that can take a word, one a thread.

    Raises:
        Unplantable: where there are too few.
    """
    places = [
        (script, index)
        for rep in reps
        for day in span
        for script in (site.scripts[rep.index, day],)
        for index, message in enumerate(script.messages)
        if message.speaker == "rep"
        and message.id not in script.reworded
        and (index == 0 or script.messages[index - 1].speaker == "customer")
    ]
    if len(places) < min(at_most, 2 * len(span)):
        raise Unplantable
    return site.draw.shuffled(places)[:at_most]


def _spread(site: Site, places: Sequence[tuple[Script, int]], word: str, **more: Any) -> list[Message]:
    """Let reps add a word to what they write anyway; return the messages."""
    said = []
    for script, index in places:
        message = script.messages[index]
        text = message.text.rstrip("。") + site.draw.pick(_ADDED).format(w=word)
        script.messages[index] = attrs.evolve(message, text=text, **more)
        script.reworded.update(other.id for other in script.messages if other.thread == message.thread)
        said.append(script.messages[index])
    return said


def _say(site: Site, texts: tuple[str, ...], dose: dict[str, str], **more: Any) -> None:
    script = site.script()
    message = _reword(site, script, texts, **more)
    second = round((message.time - site.days.instant(script.day, 0)).total_seconds())
    site.expect(
        _PHRASE,
        "high",
        window=(script.day, second, second),
        earliest_s=second,
        detect_by_s=second + 1,
        subject_kind="message",
        subject=message.id,
        dose=dose,
    )


def _reword(site: Site, script: Script, texts: tuple[str, ...], **more: Any) -> Message:
    """Put *texts* in place of as many messages of the rep that follow each other; return the last of them.

    ``more``: other fields of theirs that change.
    """
    messages = script.messages
    starts = [
        index
        for index, message in enumerate(messages)
        if message.product == _WEALTH
        and all(
            index + step < len(messages)
            and messages[index + step].speaker == "rep"
            and messages[index + step].thread == message.thread
            and messages[index + step].id not in script.reworded
            for step in range(len(texts))
        )
    ]
    if not starts:
        raise SandboxError("There is no message to reword.", code="FHR-SBX-001")
    start = site.draw.pick(starts)
    for step, text in enumerate(texts):
        messages[start + step] = attrs.evolve(messages[start + step], text=text, **more)
    # Nobody says two such things in one thread: one record, one message.
    script.reworded.update(message.id for message in messages if message.thread == messages[start].thread)
    return messages[start + len(texts) - 1]
