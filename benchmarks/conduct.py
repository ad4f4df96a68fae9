"""How many messages a second the conduct check rules on, beside one regular expression of plain phrases."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import numpy as np
from figure import Figure, seconds

from fieldhr_core.hooks import RegistrationContext
from fieldhr_core.model import Message, Submission
from fieldhr_plugins.conduct import fieldhr_register_checks

MESSAGES = 5_000
SEED = 20260302

#: Everyday talk of a seller, ours; most of it innocent, as it is in life.
LINES = (
    "王总您好，资料我明天上午带过去。",
    "这款产品不保本，请您看清风险揭示书。",
    "您放心，保本保息，绝对没有风险。",
    "上次说的开户流程，需要身份证和银行卡。",
    "Good morning, I will be at your office at ten.",
    "Returns are not guaranteed; please read section four.",
    "I guarantee you eight percent a year, no risk at all.",
    "收益以合同为准，历史业绩不代表未来。",
    "下周三的路演您有时间参加吗？",
    "Thanks, the statements arrived; two pages are missing.",
)


def measure() -> list[Figure]:
    """Check conversations in batches of 500."""
    random = np.random.default_rng(SEED)
    start = datetime(2026, 3, 2, 1, tzinfo=UTC)
    submissions = [
        Submission(id=str(number), kind="message", value=message, at=message.time)
        for number, message in enumerate(_message(number, random, start) for number in range(MESSAGES))
    ]
    offer = next(one for one in fieldhr_register_checks(context=RegistrationContext()) if one.name == "conduct.phrases")
    check = offer.make(None)
    batches = [submissions[first : first + 500] for first in range(0, MESSAGES, 500)]
    stopped = sum(ruling.outcome.value != "cleared" for batch in batches for ruling in check.check(batch))
    ours = MESSAGES / seconds(lambda: [check.check(batch) for batch in batches], repeat=3)
    phrases = re.compile("|".join(("保本保息", "绝对没有风险", "稳赚不赔", "guarantee", "no risk", "risk-free")))
    peer = MESSAGES / seconds(lambda: [phrases.search(one.value.text) for one in submissions], repeat=3)
    return [
        Figure(
            name="conduct check",
            value=ours,
            unit="messages/s",
            bar=5_000,
            peer=f"one regular expression of six phrases, blind to disguise and negation: {peer:,.0f}",
            how=f"{MESSAGES} messages in batches of 500, one core; {stopped} not cleared",
        )
    ]


def _message(number: int, random: np.random.Generator, start: datetime) -> Message:
    text = LINES[int(random.integers(len(LINES)))]
    # Numbered, so that no cache of texts can answer.
    return Message(
        id=str(number),
        thread=f"t{number % 200}",
        rep=f"r{number % 20}",
        customer=f"c{number % 200}",
        speaker="rep",
        text=f"{text} ({number})",
        time=start + timedelta(seconds=20 * number),
    )
