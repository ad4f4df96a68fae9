"""The lexicon: what is looked for, under which rule, and what lies about a hit that dismisses it. All of it is data.

A language is one TOML file (``lexicon/zh.toml``)::

    language = "zh"
    guards = "确保 社保 本周"            # ordinary words: a hit must not cut through one
    [words]
    guarantee = "保证 承诺 担保"         # word classes, used as {guarantee}
    [phrases]
    return_guarantee = '''
    稳赚不赔 | 只赚不赔
    {guarantee} ~4 {return}
    '''
    [scope]
    negators = "不 没有"

A phrase is one or more parts. ``~4`` between two parts allows up to 4 characters (words, in languages that write
spaces) between them, ``<4>`` the same in either order; a comma after the number lets the gap cross a comma, an
exclamation mark lets it hold a negation. ``|`` between spaces parts phrases, without spaces it parts the words of one
part. Phrases after a line ``[review]`` only ask for a look.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import attrs

from fieldhr_core.errors import ConfigError
from fieldhr_core.model import Severity

__all__ = [
    "LANGUAGES",
    "Category",
    "Entry",
    "Language",
    "Lexicon",
    "Part",
    "Phrase",
    "Rule",
    "load",
    "with_file",
    "with_phrases",
]

#: Languages the package brings phrases for; traditional Chinese is matched through its simplified form.
LANGUAGES: Final = ("zh", "en", "ja", "ko", "vi", "th")

#: Written with spaces between words.
SPACED: Final = frozenset({"en", "vi"})

#: Jurisdictions whose rule is named first, by language of the phrase.
_HOME: Final = {
    "zh": ("CN",),
    "zh-Hant": ("TW", "CN"),
    "en": ("GB", "US"),
    "ja": ("JP",),
    "ko": ("KR",),
    "vi": ("VN",),
    "th": ("TH",),
}


@attrs.frozen(kw_only=True)
class Rule:
    """A rule that forbids a wording; ``verified`` only where its own text was read."""

    jurisdiction: str
    rule: str
    source: str
    verified: bool = False


@attrs.frozen(kw_only=True)
class Category:
    """A kind of forbidden wording.

    Attributes:
        level: 4 stops and escalates, 1 is for coaching.
        rules: what it rests on; the first of a jurisdiction is the one named.
        products: classes of product for which it is lawful; ``lawful_by_name``: also where only the text names one.
        contexts: what may dismiss a hit.
        homophones: also sought by sound.
        right_scope: words to the right of a hit ("... is a scam") may take it back.
    """

    code: str
    title: str
    level: int
    severity: Severity
    rules: tuple[Rule, ...]
    products: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ("negated", "quoted", "customer_said", "lawful_product")
    homophones: bool = False
    right_scope: bool = True
    lawful_by_name: bool = True

    def rule_for(self, language: str) -> Rule:
        """Return the rule to name to somebody who wrote in *language*."""
        for jurisdiction in (*_HOME.get(language, ()), "*"):
            for rule in self.rules:
                if rule.jurisdiction == jurisdiction:
                    return rule
        return self.rules[0]


@attrs.frozen(kw_only=True)
class Part:
    """One part of a phrase: any of these words, after a gap of at most ``gap`` characters."""

    words: tuple[str, ...]
    gap: int = 0
    over_comma: bool = False
    over_negation: bool = False


#: A phrase's parts in order.
Phrase = tuple[Part, ...]


@attrs.frozen(kw_only=True)
class Entry:
    """One entry: its phrases (one, or the two orders of one) and what it rests on.

    Attributes:
        id: language, category and the phrase as written.
        asks_review: a hit only asks for a look.
        rule: overrides the category's rule where given.
        products: classes of product for which it is lawful.
    """

    id: str
    language: str
    category: Category
    written: str
    phrases: tuple[Phrase, ...]
    asks_review: bool = False
    rule: Rule | None = None
    severity: Severity | None = None
    products: tuple[str, ...] = ()

    @property
    def jurisdictions(self) -> tuple[str, ...]:
        """Where its rules hold; ``*`` is everywhere."""
        return tuple(dict.fromkeys(rule.jurisdiction for rule in self.category.rules))


@attrs.frozen(kw_only=True, eq=False)
class Language:
    """Phrases and scopes of one language, as written."""

    code: str
    entries: tuple[Entry, ...]
    guards: tuple[str, ...]
    scope: Mapping[str, tuple[str, ...]]


@attrs.frozen(kw_only=True, eq=False)
class Lexicon:
    """Everything the check looks for."""

    categories: Mapping[str, Category]
    languages: Mapping[str, Language]

    @property
    def entries(self) -> Sequence[Entry]:
        """Every entry of every language."""
        return [entry for language in self.languages.values() for entry in language.entries]


def load() -> Lexicon:
    """Return the lexicon of the package."""
    categories = _categories(tomllib.loads(_packaged("categories")), "categories.toml")
    languages = {code: _language(tomllib.loads(_packaged(code)), categories, f"{code}.toml") for code in LANGUAGES}
    return Lexicon(categories=categories, languages=languages)


def with_file(lexicon: Lexicon, path: str) -> Lexicon:
    """Return *lexicon* with the phrases of a file of one's own added; what it forbids or allows wins.

    The file is a CSV table (header ``phrase,category,severity``; optional ``rule``, ``source``, ``language``), or TOML
    or JSON of the form this module describes. A category may be new; severity ``off`` removes a phrase.

    Raises:
        ConfigError: FHR-CFG-001, with file, line and what to write instead; every fault of the file at once.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as cause:
        raise ConfigError(
            f"The phrase list {path!r} cannot be read: {cause}.",
            code="FHR-CFG-001",
            hint="Give a CSV, TOML or JSON file in UTF-8.",
            path=path,
        ) from cause
    name = Path(path).name
    if name.endswith(".toml"):
        try:
            return _merge(lexicon, tomllib.loads(text), name)
        except tomllib.TOMLDecodeError as cause:
            raise _refused([f"{name}: {cause}"]) from cause
    if name.endswith(".json"):
        try:
            value = json.loads(text)
        except ValueError as cause:
            raise _refused([f"{name}: {cause}"]) from cause
        if not isinstance(value, dict):
            raise _refused([f"{name}: a JSON object is expected, with language, words and phrases"])
        return _merge(lexicon, value, name)
    return _with_table(lexicon, text, name)


def with_phrases(
    lexicon: Lexicon, rows: Iterable[tuple[str, str, str, str]], categories: Mapping[str, Category]
) -> Lexicon:
    """Return *lexicon* with phrases of one's own: (phrase, category, severity or empty, id) each.

    A phrase is read as written, in the language its letters show; nothing of the package's is replaced.

    Raises:
        ConfigError: FHR-CFG-001 with every phrase that cannot be read.
    """
    problems: list[str] = []
    entries: dict[str, list[Entry]] = {}
    for written, code, severity, name in rows:
        language = _language_of(written)
        phrases = _phrases(written, language, {}, f"own phrase {written!r}", problems)
        if phrases:
            entries.setdefault(language, []).append(
                Entry(
                    id=name,
                    language=language,
                    category=categories[code],
                    written=written,
                    phrases=phrases,
                    severity=Severity(severity) if severity else None,
                    products=categories[code].products,
                )
            )
    if problems:
        raise _refused(problems)
    added = [Language(code=code, entries=tuple(found), guards=(), scope={}) for code, found in entries.items()]
    return _joined(lexicon, categories, added)


def _packaged(name: str) -> str:
    return files(__package__).joinpath(f"lexicon/{name}.toml").read_text("utf-8")


def _refused(problems: Sequence[str]) -> ConfigError:
    shown = "; ".join(problems[:5]) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
    return ConfigError(
        f"The phrase list has {len(problems)} fault(s): {shown}.",
        code="FHR-CFG-001",
        hint="Correct these places; docs/how-to/own-phrase-list.md shows the form.",
        problems=tuple(problems),
    )


def _categories(raw: Mapping[str, Any], where: str) -> dict[str, Category]:
    problems: list[str] = []
    found: dict[str, Category] = {}
    for code, body in raw.items():
        if not isinstance(body, dict):
            problems.append(f"{where}: [{code}] must be a table")
            continue
        unknown = set(body) - {
            "title",
            "level",
            "severity",
            "homophones",
            "products",
            "contexts",
            "rules",
            "right_scope",
            "lawful_by_name",
        }
        problems.extend(f"{where}: [{code}] has an unknown key {key!r}" for key in sorted(unknown))
        level, severity, rules = body.get("level", 3), body.get("severity", "high"), body.get("rules", [])
        if level not in (1, 2, 3, 4):
            problems.append(f"{where}: [{code}] level must be 1, 2, 3 or 4, not {level!r}")
        if severity not in list(Severity):
            problems.append(f"{where}: [{code}] severity {severity!r} is not one of {', '.join(Severity)}")
        if not isinstance(rules, list) or not rules or not all(_is_rule(rule) for rule in rules):
            problems.append(f"{where}: [{code}] needs rules, each with jurisdiction, rule, source (and verified)")
        if problems:
            continue
        found[code] = Category(
            code=code,
            title=str(body.get("title", code)),
            level=level,
            severity=Severity(severity),
            rules=tuple(Rule(**rule) for rule in rules),
            products=tuple(body.get("products", ())),
            homophones=bool(body.get("homophones", False)),
            right_scope=bool(body.get("right_scope", True)),
            lawful_by_name=bool(body.get("lawful_by_name", True)),
            **({"contexts": tuple(body["contexts"])} if "contexts" in body else {}),
        )
    if problems:
        raise _refused(problems)
    return found


def _is_rule(value: object) -> bool:
    return (
        isinstance(value, dict)
        and {"jurisdiction", "rule", "source"} <= set(value) <= {"jurisdiction", "rule", "source", "verified"}
        and all(isinstance(value[key], str) for key in ("jurisdiction", "rule", "source"))
        and isinstance(value.get("verified", False), bool)
    )


def _language(raw: Mapping[str, Any], categories: Mapping[str, Category], where: str) -> Language:
    problems: list[str] = []
    problems.extend(
        f"{where}: unknown key {key!r}"
        for key in sorted(set(raw) - {"language", "guards", "words", "phrases", "scope", "categories"})
    )
    code = raw.get("language")
    if code not in LANGUAGES:
        problems.append(f"{where}: language must be one of {', '.join(LANGUAGES)}, not {code!r}")
        raise _refused(problems)
    words = {name: _items(text, where, name, problems) for name, text in _table(raw, "words", where, problems).items()}
    scope = {name: _items(text, where, name, problems) for name, text in _table(raw, "scope", where, problems).items()}
    entries: list[Entry] = []
    for category, text in _table(raw, "phrases", where, problems).items():
        if category not in categories:
            problems.append(f"{where}: unknown category {category!r}; known are {', '.join(sorted(categories))}")
            continue
        if not isinstance(text, str):
            problems.append(f"{where}: phrases.{category} must be text with one phrase a line")
            continue
        entries.extend(_entries(text, str(code), categories[category], words, where, problems))
    guards = _items(raw.get("guards", ""), where, "guards", problems)
    if problems:
        raise _refused(problems)
    return Language(code=str(code), entries=tuple(entries), guards=guards, scope=scope)


def _table(raw: Mapping[str, Any], key: str, where: str, problems: list[str]) -> dict[str, Any]:
    value = raw.get(key, {})
    if isinstance(value, dict):
        return value
    problems.append(f"{where}: {key} must be a table")
    return {}


def _items(text: object, where: str, name: str, problems: list[str]) -> tuple[str, ...]:
    """Words of a list: separated by ``|`` where one is used, by white space otherwise; lines may hold comments."""
    if isinstance(text, list) and all(isinstance(item, str) for item in text):
        return tuple(text)
    if not isinstance(text, str):
        problems.append(f"{where}: {name} must be text or a list of texts")
        return ()
    plain = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    if "|" in plain:
        return tuple(item for item in (" ".join(part.split()) for part in plain.split("|")) if item)
    return tuple(plain.split())


#: Classes that are no list of words: a percentage, an amount of money.
SPECIAL: Final = ("{#percent}", "{#amount}")

_GAP: Final = re.compile(r"\s*(?:~(\d{1,2})([,!]*)|<(\d{1,2})>([,!]*))\s+")


def _entries(
    text: str,
    language: str,
    category: Category,
    words: Mapping[str, tuple[str, ...]],
    where: str,
    problems: list[str],
) -> list[Entry]:
    entries = []
    asks_review = False
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line == "[review]":
            asks_review = True
            continue
        for written in line.split(" | "):
            written = written.strip()
            if not written:
                continue
            phrases = _phrases(written, language, words, f"{where}: {category.code}: {written!r}", problems)
            if phrases:
                entries.append(
                    Entry(
                        id=f"{language}/{category.code}/{written}",
                        language=language,
                        category=category,
                        written=written,
                        phrases=phrases,
                        asks_review=asks_review,
                        products=category.products,
                    )
                )
    return entries


def _phrases(
    written: str, language: str, words: Mapping[str, tuple[str, ...]], where: str, problems: list[str]
) -> tuple[Phrase, ...]:
    pieces = _GAP.split(written)
    parts: list[tuple[tuple[str, ...], int, str, bool]] = []
    choices = _choices(pieces[0], words, where, problems)
    parts.append((choices, 0, "", False))
    for number in range(1, len(pieces), 5):
        ordered, marks, either, either_marks, piece = pieces[number : number + 5]
        parts.append(
            (_choices(piece, words, where, problems), int(ordered or either), marks or either_marks or "", bool(either))
        )
    if not all(choices for choices, _, _, _ in parts):
        return ()
    scale = 8 if language in SPACED else 1
    made = [_built(parts, scale)]
    if any(either for _, _, _, either in parts):
        if len(parts) != 2:
            problems.append(f"{where}: <n> stands between exactly two parts")
            return ()
        (first, _, _, _), (second, gap, marks, _) = parts
        made.append(_built([(second, 0, "", False), (first, gap, marks, False)], scale))
    return tuple(made)


def _built(parts: Iterable[tuple[tuple[str, ...], int, str, bool]], scale: int) -> Phrase:
    return tuple(
        Part(
            words=choices,
            gap=gap * scale + (1 if scale > 1 and number else 0),
            over_comma="," in marks,
            over_negation="!" in marks,
        )
        for number, (choices, gap, marks, _) in enumerate(parts)
    )


def _choices(piece: str, words: Mapping[str, tuple[str, ...]], where: str, problems: list[str]) -> tuple[str, ...]:
    """Words of one part: ``{class}`` anywhere in it stands for each word of that class."""
    made: list[str] = []
    for choice in piece.split("|"):
        out = [""]
        for number, bit in enumerate(re.split(r"\{([^{}]*)\}", choice.strip())):
            if number % 2 == 0:
                out = [start + bit for start in out]
            elif bit.startswith("#"):
                out = ["{" + bit + "}"]
            elif bit in words:
                out = [start + word for start in out for word in words[bit]]
            else:
                problems.append(f"{where} uses an unknown word class {{{bit}}}")
                return ()
        made.extend(word for word in out if word)
    faults = [word for word in made if "~" in word or "<" in word or ("{#" in word and word not in SPECIAL)]
    if faults:
        problems.append(f"{where}: {faults[0]!r} is no word; write 'part ~n part', and {', '.join(SPECIAL)} alone")
        return ()
    if not made:
        problems.append(f"{where} has an empty part")
        return ()
    out = made
    if len(out) > 4000:
        problems.append(f"{where} stands for {len(out)} words; put a gap between its parts")
        return ()
    return tuple(out)


def _merge(lexicon: Lexicon, raw: Mapping[str, Any], where: str) -> Lexicon:
    categories = dict(lexicon.categories)
    if isinstance(raw.get("categories"), dict):
        categories.update(_categories(raw["categories"], where))
    added = _language(raw, categories, where)
    return _joined(lexicon, categories, [added])


def _with_table(lexicon: Lexicon, text: str, where: str) -> Lexicon:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    header = [name.strip().lower() for name in reader.fieldnames or ()]
    if "phrase" not in header or "category" not in header:
        raise _refused([f"{where}: the first line must name the columns phrase,category,severity"])
    reader.fieldnames = header
    categories = dict(lexicon.categories)
    problems: list[str] = []
    off: set[str] = set()
    entries: dict[str, list[Entry]] = {}
    for number, row in enumerate(reader, start=2):
        phrase, code = (row.get("phrase") or "").strip(), (row.get("category") or "").strip()
        severity = (row.get("severity") or "").strip().lower()
        if not phrase and not code:
            continue
        if not phrase or not code:
            problems.append(f"{where} line {number}: phrase and category must both be given")
            continue
        if severity == "off":
            off.add(phrase)
            continue
        if severity and severity not in list(Severity):
            problems.append(f"{where} line {number}: severity {severity!r} is not one of {', '.join(Severity)}, off")
            continue
        rule = Rule(
            jurisdiction="*",
            rule=(row.get("rule") or "").strip() or f"house rule: {code}",
            source=(row.get("source") or "").strip() or where,
        )
        if code not in categories:
            categories[code] = Category(
                code=code, title=code, level=3, severity=Severity(severity or "high"), rules=(rule,)
            )
        language = (row.get("language") or "").strip() or _language_of(phrase)
        if language not in LANGUAGES:
            problems.append(f"{where} line {number}: language must be one of {', '.join(LANGUAGES)}, not {language!r}")
            continue
        phrases = _phrases(phrase, language, {}, f"{where} line {number}: {phrase!r}", problems)
        if phrases:
            own = row.get("rule") or row.get("source") or code not in lexicon.categories
            entries.setdefault(language, []).append(
                Entry(
                    id=f"{where}:{number}",
                    language=language,
                    category=categories[code],
                    written=phrase,
                    phrases=phrases,
                    rule=rule if own else None,
                    severity=Severity(severity) if severity else None,
                    products=categories[code].products,
                )
            )
    if problems:
        raise _refused(problems)
    added = [Language(code=code, entries=tuple(found), guards=(), scope={}) for code, found in entries.items()]
    return _joined(lexicon, categories, added, off)


def _joined(
    lexicon: Lexicon, categories: Mapping[str, Category], added: Sequence[Language], off: Iterable[str] = ()
) -> Lexicon:
    """Own entries stand before the package's, and replace one that is written alike."""
    gone = set(off)
    languages: dict[str, Language] = {}
    for code, language in lexicon.languages.items():
        more = [other for other in added if other.code == code]
        entries = [entry for other in more for entry in other.entries]
        written = {entry.written for entry in entries} | gone
        scope = {name: tuple(items) for name, items in language.scope.items()}
        for other in more:
            for name, items in other.scope.items():
                scope[name] = (*scope.get(name, ()), *items)
        guards = [*language.guards, *(guard for other in more for guard in other.guards)]
        languages[code] = Language(
            code=code,
            entries=(*entries, *(entry for entry in language.entries if entry.written not in written)),
            guards=tuple(guards),
            scope=scope,
        )
    return Lexicon(categories=categories, languages=languages)


def _language_of(phrase: str) -> str:
    for character in phrase:
        code = ord(character)
        if 0x3040 <= code <= 0x30FF:
            return "ja"
        if 0xAC00 <= code <= 0xD7A3:
            return "ko"
        if 0x0E00 <= code <= 0x0E7F:
            return "th"
    if any(0x3400 <= ord(character) <= 0x9FFF for character in phrase):
        return "zh"
    marks = "ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ"
    return "vi" if any(character in marks for character in phrase.lower()) else "en"
