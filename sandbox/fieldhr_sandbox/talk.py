"""Conversations of reps with customers: ordinary sales talk, in which some scenarios replace what the rep says.

Threads all have one make: a question, an answer of the rep in one or two messages, a thanks. A scenario changes the
words of an answer and nothing else, so neither time, length of thread nor field presence tells an injected message.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from fieldhr_core.model import Message
from fieldhr_sandbox.calendars import Days, clock_s
from fieldhr_sandbox.script import Script
from fieldhr_sandbox.streams import Draw, Streams
from fieldhr_sandbox.timeline import Spot
from fieldhr_sandbox.world import Rep

__all__ = ["converse"]

_QUESTIONS: Final = (
    "请问{p}现在怎么办理?",
    "我们想了解一下{p}。",
    "上次说的{p}有进展吗?",
    "{p}需要准备哪些材料?",
    "今天方便聊一下{p}吗?",
    "{p}大概什么时候能批下来?",
)
_ANSWERS: Final = (
    "好的,{p}需要营业执照和近三个月流水,我{t}发您清单。",
    "{p}的额度要看审批结果,{t}给您答复。",
    "您的资料已经收到,{p}正在走流程,{t}应该有消息。",
    "利率以合同为准,{p}的具体条款我{t}带过去给您看。",
    "{t}我到您公司拜访,当面介绍{p}。",
    "{p}有不同期限,您可以按资金安排选择。",
    "{p}的风险等级和费用在说明书里,请您先阅读。",
    "目前{p}的办理时间一般在五个工作日左右。",
    "这边先登记,{p}由我们部门一起评估。",
    "您放心,材料我会妥善保管,{t}归还原件。",
)
_SECOND: Final = (
    "有问题随时联系我。",
    "地址还是上次那里对吧?",
    "稍后我把联系人发您。",
    "辛苦您准备一下。",
    "谢谢您的理解。",
)
_THANKS: Final = ("好的,谢谢。", "明白了。", "收到,辛苦。", "行,那到时候见。", "了解,我再考虑一下。")
_PRODUCT_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "loan": ("流动资金贷款", "续贷", "设备贷款", "票据贴现"),
    "deposit": ("对公存款", "结算账户", "定期存款"),
    "wealth_product": ("理财产品", "净值型产品", "资管计划"),
    "life_insurance": ("定期寿险", "终身寿险", "教育金保险"),
    "health_insurance": ("重疾险", "百万医疗险", "意外险"),
    "stock_account": ("证券账户", "融资融券账户", "股票期权账户"),
    "fund": ("混合型基金", "指数基金", "债券基金"),
    "trust_product": ("集合信托计划", "家族信托", "保险金信托"),
    "futures": ("商品期货", "股指期货", "期权组合"),
}
_WHEN: Final = ("今天下午", "明天上午", "本周内", "周五前", "下周一")


def converse(
    script: Script,
    rep: Rep,
    days: Days,
    streams: Streams,
    products: tuple[str, ...],
    threads: tuple[int, int] = (1, 3),
    shunned: Collection[str] = (),
) -> None:
    """Fill the messages of one rep-day: from so many to so many threads on a working day."""
    if not script.works or script.absent:
        return
    draw = streams.of("talk", rep.index, script.day)
    partners = [spot for spot in rep.customers if spot.id not in shunned] or rep.customers
    for number in range(draw.whole(*threads)):
        start = draw.pick((clock_s("09:05"), clock_s("10:30"), clock_s("13:35"), clock_s("15:00"), clock_s("16:30")))
        _thread(script, rep, days, streams, draw, products, partners, number, start + draw.below(75 * 60))


def _thread(
    script: Script,
    rep: Rep,
    days: Days,
    streams: Streams,
    draw: Draw,
    products: tuple[str, ...],
    partners: Sequence[Spot],
    number: int,
    start: int,
) -> None:
    product = draw.pick(products)
    named = draw.pick(_PRODUCT_NAMES[product])
    customer = draw.pick(partners).customer
    said = [("customer", draw.pick(_QUESTIONS)), ("rep", draw.pick(_ANSWERS))]
    if draw.chance(0.5):
        said.append(("rep", draw.pick(_SECOND)))
    said.append(("customer", draw.pick(_THANKS)))
    at = start
    thread = f"h-{streams.token('thread', rep.index, script.day, number)}"
    for place, (speaker, pattern) in enumerate(said):
        script.messages.append(
            Message(
                id=f"m-{streams.token('message', rep.index, script.day, number, place)}",
                thread=thread,
                rep=rep.id,
                customer=customer,
                speaker=speaker,
                text=pattern.format(p=named, t=draw.pick(_WHEN)),
                time=days.instant(script.day, at),
                channel="chat",
                language="zh",
                product=product,
            )
        )
        at += draw.whole(12, 55)
