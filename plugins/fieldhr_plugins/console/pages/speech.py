"""What a page says and how: texts by gettext, numbers, dates and times as the reader's language writes them.

The texts of pages are English in the sources and stand translated in ``locale/LANGUAGE/LC_MESSAGES/console.po``. What
alerts say is the plugins' own (``messages.json``, :class:`fieldhr_core.flow.wording.Wording`): pages ask for it and add
nothing. Times are shown in the reader's zone; where something happened in another zone, that is at hand beside it.
"""

from __future__ import annotations

import functools
import gettext
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from importlib.resources import files
from io import BytesIO
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs

from fieldhr_core.errors import MissingDependencyError
from fieldhr_core.paper.markup import Markup, escaped

__all__ = ["LANGUAGES", "Speech", "best_language"]

#: BCP 47 tag -> the language's own name. Pages exist for all; what has no translation yet is English.
LANGUAGES: Final[Mapping[str, str]] = {
    "zh-Hans": "简体中文",
    "en": "English",
    "zh-Hant": "繁體中文",
    "ja": "日本語",
    "ko": "한국어",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "pt": "Português",
    "ru": "Русский",
    "vi": "Tiếng Việt",
    "th": "ไทย",
}
#: Region of a language without one, for numbers and dates: English dates are written the international way here.
_FORMATS: Final = {"en": "en_GB"}


def best_language(asked: str, known: Sequence[str] = tuple(LANGUAGES)) -> str:
    """Return the best of the known languages for an ``Accept-Language`` header; English where none fits."""
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(asked.split(",")):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        wanted.append((-weight, place, tag.strip()))
    for weight, _, tag in sorted(wanted):
        found = _closest(tag, known) if weight < 0 else None
        if found:
            return found
    return "en"


def _closest(tag: str, known: Sequence[str]) -> str | None:
    low = tag.lower().replace("_", "-")
    by_low = {each.lower(): each for each in known}
    if low in by_low:
        return by_low[low]
    if low == "zh" or low.startswith(("zh-cn", "zh-sg", "zh-hans")):
        return by_low.get("zh-hans")
    if low.startswith(("zh-tw", "zh-hk", "zh-mo", "zh-hant")):
        return by_low.get("zh-hant")
    return by_low.get(low.split("-")[0])


@functools.cache
def _catalogue(language: str) -> gettext.NullTranslations:
    source = files(__package__) / "locale" / language.replace("-", "_") / "LC_MESSAGES" / "console.mo"
    return gettext.GNUTranslations(BytesIO(source.read_bytes())) if source.is_file() else gettext.NullTranslations()


@attrs.frozen(eq=False, kw_only=True)
class Speech:
    """A reader's language and zone.

    Args:
        language: BCP 47 tag, one of :data:`LANGUAGES`.
        zone: IANA name of the zone that times are shown in.
        wording: what alerts say, message id -> language -> template; see the core's ``Wording``.
    """

    language: str = "en"
    zone: str = "UTC"
    wording: Any = None
    translations: gettext.NullTranslations | None = None

    # -- texts ---------------------------------------------------------------------------------------------------

    @property
    def catalogue(self) -> gettext.NullTranslations:
        """Where the texts come from."""
        return self.translations or _catalogue(self.language)

    def t(self, message: str, /, **values: object) -> str:
        """Return a text with *values* put in by name."""
        text = self.catalogue.gettext(message)
        return text % values if values else text

    def n(self, one: str, many: str, count: int, /, **values: object) -> str:
        """Return the form of a text that fits *count*, which stands in it as ``%(count)s``."""
        return self.catalogue.ngettext(one, many, count) % {"count": self.number(count), **values}

    def said(self, message: str, params: Mapping[str, Any] | None = None) -> str:
        """Return what a plugin says: a text of its ``messages.json``; without one, the last word of the id in words."""
        if self.wording is not None and message in self.wording.texts:
            text: str = self.wording.text(message, self.language, params or {})
            return text
        return message.rpartition(".")[2].replace("_", " ")

    # -- numbers -------------------------------------------------------------------------------------------------

    def number(self, value: float | None, digits: int = 0) -> str:
        """Return a number with at most *digits* decimals; unknown is a dash."""
        return "–" if value is None or value != value else _number(self._locale, round(value, digits), digits)

    def fixed(self, value: float | None, digits: int = 1) -> str:
        """Return a number with exactly *digits* decimals, for columns; unknown is a dash."""
        return "–" if value is None or value != value else _number(self._locale, round(value, digits), -digits)

    def share(self, value: float | None, digits: int = 0) -> str:
        """Return a share as a percentage."""
        return "–" if value is None or value != value else _percent(self._locale, round(value, 4), digits)

    def metres(self, metres: float) -> str:
        """Return a distance."""
        if metres != metres:
            return "–"
        if metres >= 1000:
            return self.t("%(km)s km", km=self.number(metres / 1000, 0 if metres >= 10_000 else 1))
        return self.t("%(m)s m", m=self.number(metres))

    def span(self, seconds: float) -> str:
        """Return a length of time in hours and minutes, rounded to minutes."""
        minutes = round(seconds / 60)
        if minutes < 60:
            return self.t("%(m)s min", m=minutes)
        if minutes < 48 * 60:
            return self.t("%(h)s h %(m)s min", h=minutes // 60, m=f"{minutes % 60:02d}")
        return self.n("%(count)s day", "%(count)s days", round(minutes / 1440))

    # -- times ---------------------------------------------------------------------------------------------------

    def clock(self, at: int | datetime, zone: str = "") -> str:
        """Return a wall time, 24 hours, in the reader's zone or in *zone*."""
        return _local(at, zone or self.zone).strftime("%H:%M")

    def day(self, at: int | datetime | date | str, zone: str = "") -> str:
        """Return a date: weekday, day, month."""
        return _day(self._locale, _date(at, zone or self.zone), "MMMEd")

    def short_day(self, at: int | datetime | date | str, zone: str = "") -> str:
        """Return a date for the axis of a chart."""
        return _day(self._locale, _date(at, zone or self.zone), "Md")

    def long_day(self, at: int | datetime | date | str, zone: str = "") -> str:
        """Return a date with its year."""
        return _day(self._locale, _date(at, zone or self.zone), "yMMMEd")

    def weekdays(self) -> list[str]:
        """Return short names of the weekdays, Monday first."""
        return _weekdays(self._locale)

    def time(self, at: int | datetime, zone: str = "", *, dated: bool = False) -> Markup:
        """Return an instant as a ``time`` element: the reader's zone in words, the zone of the event at hand.

        Args:
            at: instant.
            zone: where it happened; the reader's zone where it is not given.
            dated: whether the date stands before the time.
        """
        utc = _local(at, "UTC")
        text = f"{self.day(at)} {self.clock(at)}" if dated else self.clock(at)
        there = zone or self.zone
        local = _local(at, there)
        offset = f"{local:%z}"
        hint = f"{self.long_day(at, there)} {local:%H:%M:%S} {there} (UTC{offset[:3]}:{offset[3:]})"
        beside = ""
        if zone and local.utcoffset() != _local(at, self.zone).utcoffset():
            town = there.rpartition("/")[2].replace("_", " ")
            beside = f" <small>{local:%H:%M} {escaped(town)}</small>"
        return Markup(
            f'<time datetime="{utc:%Y-%m-%dT%H:%M:%SZ}" title="{escaped(hint)}">{escaped(text)}</time>{beside}'
        )

    @property
    def _locale(self) -> str:
        return _FORMATS.get(self.language, self.language.replace("-", "_"))


def is_zone(name: str) -> bool:
    """Whether there is a zone of this name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _local(at: int | datetime, zone: str) -> datetime:
    moment = datetime.fromtimestamp(at / 1000, UTC) if isinstance(at, int) else at
    return moment.astimezone(_zone(zone))


@functools.lru_cache(64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _date(at: int | datetime | date | str, zone: str) -> date:
    if isinstance(at, str):
        return date.fromisoformat(at)
    if isinstance(at, datetime | int):
        return _local(at, zone).date()
    return at


def _babel() -> Any:
    try:
        import babel.dates
        import babel.numbers
    except ImportError as cause:
        raise MissingDependencyError("babel", "console") from cause
    return babel


# Babel reads its patterns anew for each value; a page shows the same few hundred again and again.


@functools.lru_cache(4096)
def _number(locale: str, value: float, digits: int) -> str:
    pattern = "#,##0." + ("#" * digits or "0" * -digits) if digits else "#,##0"
    text: str = _babel().numbers.format_decimal(value, format=pattern, locale=locale)
    return text


@functools.lru_cache(4096)
def _percent(locale: str, value: float, digits: int) -> str:
    babel = _babel()
    own = babel.Locale.parse(locale).percent_formats[None].pattern
    text: str = babel.numbers.format_percent(
        value, format=own.replace("0", "0." + "0" * digits, 1) if digits else own, locale=locale
    )
    return text


@functools.lru_cache(4096)
def _day(locale: str, day: date, skeleton: str) -> str:
    text: str = _babel().dates.format_skeleton(skeleton, day, locale=locale)
    return text


@functools.lru_cache(16)
def _weekdays(locale: str) -> list[str]:
    names = _babel().dates.get_day_names("abbreviated", "stand-alone", locale=locale)
    return [names[index] for index in range(7)]
