"""The evidence table as a page: what was found first, then every control, then every check with its hash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fieldhr_core.care.evidence.proof import texts
from fieldhr_core.paper.figure import Cell, table
from fieldhr_core.paper.markup import Markup, escaped, joined
from fieldhr_core.paper.page import page

if TYPE_CHECKING:
    from fieldhr_core.care.evidence.proof import Proof
    from fieldhr_core.care.evidence.table import Evidence, Row

__all__ = ["sheet"]

_TEXTS: Final = {
    "en": {
        "title": "Security evidence",
        "lead": "Every line was tried on this store and this runtime; the hash is over what was tried and found. It is "
        "no certificate, and no assessment body took part. Encryption on the way to the host is the host's.",
        "simulated": "simulated",
        "pass": "pass",
        "fail": "fail",
        "host": "host's duty",
        "unshown": "cannot be shown",
        "clause": "Clause",
        "control": "Control",
        "status": "Result",
        "checks": "Checks, and hash of their evidence",
        "check": "Check",
        "tried": "What was tried",
        "found": "What was found",
        "all": "Every check",
        "made": "Made",
        "left": "Left to the host",
    },
    "zh-Hans": {
        "title": "安全证据表",
        "lead": "每一行都在本库和本运行环境上实际尝试过；摘要覆盖所尝试与所发现的内容。本表不是证书，没有测评机构参与。"
        "宿主自身地址的传输加密由宿主负责。",
        "simulated": "模拟数据",
        "pass": "通过",
        "fail": "未通过",
        "host": "宿主职责",
        "unshown": "无法证明",
        "clause": "条款",
        "control": "控制项",
        "status": "结果",
        "checks": "检查及其证据摘要",
        "check": "检查",
        "tried": "所尝试的",
        "found": "所发现的",
        "all": "全部检查",
        "made": "时间",
        "left": "由宿主负责",
    },
}
_LOOK: Final = {"pass": "w-at", "fail": "w-away", "host": "w-unknown", "unshown": "w-unknown"}


def sheet(found: Evidence, language: str) -> str:
    """Return the page in ``en`` or ``zh-Hans``; another language gets English."""
    language = language if language in _TEXTS else "en"
    say = _TEXTS[language]
    counts = joined(
        *(
            Markup(f'<div><dt>{escaped(say[status])}</dt><dd class="{_LOOK[status]}">{count}</dd></div>')
            for status, count in found.counts.items()
        )
    )
    badge = Markup(f'<span class="badge loud">{escaped(say["simulated"])}</span>') if found.simulated else Markup("")
    standards = dict.fromkeys(row.control.standard for row in found.rows)
    sections = joined(
        *(
            joined(
                Markup(f"<h2>{escaped(standard)}</h2>"),
                table(
                    [say["clause"], say["control"], say["status"], say["checks"]],
                    [_row(row, language) for row in found.rows if row.control.standard == standard],
                    label=standard,
                ),
            )
            for standard in standards
        )
    )
    proofs = table(
        [say["check"], say["status"], say["tried"], say["found"]],
        [_proof(proof, language) for proof in found.proofs],
        label=say["all"],
    )
    body = joined(
        Markup(f'<main><header class="top"><h1>{escaped(say["title"])}</h1>'),
        badge,
        Markup(f'</header><p class="lead">{escaped(say["lead"])}</p>'),
        Markup(f'<p class="sub">{escaped(say["made"])} {escaped(found.made)} · {escaped(found.tool)}<br><code>'),
        Markup(f'sha256 {found.sha256}</code></p><dl class="figures four">'),
        counts,
        Markup("</dl>"),
        sections,
        Markup(f"<h2>{escaped(say['all'])}</h2>"),
        proofs,
        Markup("</main>"),
    )
    return page(say["title"], body, language=language)


def _row(row: Row, language: str) -> list[object]:
    say, record = _TEXTS[language], row.as_record(language)
    left = f"<small>{escaped(say['left'])}: {escaped(record['host'])}</small>" if record["host"] else ""
    wrong = "".join(f"<small>{escaped(text)}</small>" for text in row.found)
    behind = f"{escaped(', '.join(row.control.checks))}<small><code>{row.sha256[:16]}</code></small>"
    return [
        Cell(row.control.clause, kind="time", heads_row=True),
        Markup(f"{escaped(record['title'])}{left}"),
        Markup(f'<span class="verdict {_LOOK[row.status]}">{escaped(say[row.status])}</span>{wrong}'),
        Markup(behind) if row.control.checks else "-",
    ]


def _proof(proof: Proof, language: str) -> list[object]:
    say = _TEXTS[language]
    tried = texts()[proof.check][language] if proof.tried == texts()[proof.check]["en"] else proof.tried
    facts = ", ".join(f"{name} {value}" for name, value in sorted(proof.facts.items()))
    wrong = "".join(f"{escaped(text)} " for text in proof.found)
    return [
        Cell(proof.check, heads_row=True),
        Markup(f'<span class="verdict {_LOOK[proof.status]}">{escaped(say[proof.status])}</span>'),
        tried,
        Markup(f"{wrong}<small>{escaped(facts)}</small><small><code>{proof.sha256}</code></small>"),
    ]
