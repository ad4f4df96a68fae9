"""The console without a browser: who gets which page, what is refused, what is escaped, languages, size and speed."""

from __future__ import annotations

import gzip
import importlib.util
import re
import statistics
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import attrs
import pytest

from fieldhr_core import FieldHR
from fieldhr_core.model import CaseState, Principal, Role
from fieldhr_core.trust.keys import EphemeralKeys
from fieldhr_plugins.console.pages import shell, speech, team
from fieldhr_plugins.console.pages.asking import Asked
from fieldhr_plugins.console.pages.routes import Request, Response, embedded, respond
from fieldhr_plugins.console.pages.speech import LANGUAGES, Speech, best_language


def _load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"fieldhr_tests_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


console_team, catalogue = _load("console_team"), _load("console_catalogue")
MANAGER, ADMIN, REP, TENANT = console_team.MANAGER, console_team.ADMIN, console_team.REP, console_team.TENANT
PATHS = ("/", "/people/r004", "/alerts", "/scores", "/messages", "/trends", "/trust", "/plugins", "/doctor", "/me")
NASTY = "<script>alert(1)</script>\"&'{{ 7*7 }}"


@pytest.fixture(scope="module")
def hr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FieldHR]:
    with console_team.open_team(tmp_path_factory.mktemp("team") / "team.db", 24) as runtime:
        yield runtime


def ask(hr: FieldHR, path: str, principal: Principal = MANAGER, **more: Any) -> Response:
    bare, _, query = path.partition("?")
    return respond(hr, Request(principal=principal, path=bare, query=dict(parse_qsl(query)), token="t", **more))


def who(role: Role, person: str | None = None) -> Principal:
    return Principal(tenant=TENANT, id=f"x.{role.value}", role=role, person=person)


def a_case(hr: FieldHR, code: str, rep: str = "") -> str:
    with hr.acting_as(ADMIN, purpose="supervision") as desk:
        return next(c.id for c in desk.alerts.list() if c.finding.code == code and (not rep or c.finding.rep == rep))


@pytest.mark.req("G4", "I6")
@pytest.mark.parametrize("role", list(Role))
def test_every_page_answers_every_role_with_a_page_or_a_refusal(hr: FieldHR, role: Role) -> None:
    person = {Role.REP: "r004", Role.MANAGER: "m1"}.get(role)
    for path in PATHS:
        answer = ask(hr, path, who(role, person))
        assert answer.status in (200, 403, 404), path
        text = answer.body.decode()
        assert text.startswith("<!doctype html>")
        assert text.count("<h1>") == 1
        # Nothing that a strict content-security policy refuses: no inline script, style or handler.
        assert not re.search(r"<style|<script(?![^>]*src=)|\sstyle=|\son[a-z]+=", text)
    for path, _ in shell.pages_for(Asked(path="/", principal=who(role, person))):
        assert ask(hr, f"/{path}", who(role, person)).status == 200, f"{role} {path}"


@pytest.mark.req("A5", "A8")
def test_the_team_is_shown_by_verdict_in_shape_and_word_and_silence_is_unknown(hr: FieldHR) -> None:
    with hr.acting_as(MANAGER, purpose="supervision") as desk:
        board = desk.boards.team()
    now = {member.id: member.now for member in board.members}
    assert now["r006"] == "unknown"  # silent since a quarter past one
    assert now["r017"] == "absent"
    assert now["r004"] == "away"
    assert now["r000"] == "at"
    text = ask(hr, "/").body.decode()
    row = text[text.index("/people/r006") :].partition("</tr>")[0]
    assert "v-unknown" in row
    assert "Unknown" in row
    assert "hatch" in row


@pytest.mark.req("D1")
def test_a_board_shows_whom_the_principal_sees_and_no_whereabouts_to_whom_they_are_not_for(hr: FieldHR) -> None:
    with hr.acting_as(who(Role.COMPLIANCE), purpose="compliance") as desk:
        board = desk.boards.team()
    assert not board.tracked
    assert not any(member.stays for member in board.members)
    with hr.acting_as(REP, purpose="visits") as desk:
        assert {member.id for member in desk.boards.team().members} == {"r000"}
    with hr.acting_as(who(Role.MANAGER, "r003"), purpose="supervision") as desk:
        assert {member.id for member in desk.boards.team().members} == {"r003"}
    other = Principal(tenant="nobody", id="x", role=Role.ADMIN)
    assert ask(hr, "/", other).status == 404


@pytest.mark.req("E6")
def test_a_private_place_has_no_name_and_no_place_on_the_map(hr: FieldHR) -> None:
    with hr.acting_as(MANAGER, purpose="supervision") as desk:
        member = next(member for member in desk.boards.team().members if member.id == "r002")
    assert member.last is not None
    assert member.last.kind == "private"
    assert member.last.lat != member.last.lat
    assert member.last.category == member.last.customer == ""
    for path in ("/", "/people/r002"):
        text = ask(hr, path).body.decode()
        assert "Private place" in text
        assert "Secret Garden" not in text


@pytest.mark.req("E6")
def test_looking_at_a_team_is_noted_for_each_of_them_under_the_name_of_who_looked(hr: FieldHR) -> None:
    ask(hr, "/")
    with hr.acting_as(REP, purpose="subject_access") as desk:
        looks = desk.subject.glance("r000").looks
    assert any(look.actor == MANAGER.id and look.purpose == "supervision" for look in looks)
    assert MANAGER.id in ask(hr, "/me", REP).body.decode()


@pytest.mark.req("C8")
def test_a_case_goes_through_its_steps_by_forms_and_a_refusal_is_said_in_words(tmp_path: Path) -> None:
    with console_team.open_team(tmp_path / "cases.db", 6) as hr:
        case = a_case(hr, "track.offsite_dwell", "r004")
        rep = who(Role.REP, "r004")
        path = f"/alerts/{case}"

        def step(principal: Principal, is_ours: bool = True, **form: str) -> Response:
            return ask(hr, path, principal, method="POST", form=form, is_ours=is_ours)

        assert step(MANAGER, step="acknowledge", is_ours=False).status == 403
        assert _state(hr, case) is CaseState.RAISED
        assert step(MANAGER, step="acknowledge").status == 303
        assert _state(hr, case) is CaseState.ACKNOWLEDGED
        refused = step(MANAGER, step="confirm", note="seen")
        assert refused.status == 200
        assert "FHR-CAS-002" in refused.body.decode()
        assert "FHR-CAS-001" in step(MANAGER, step="dismiss", note=" ").body.decode()
        assert step(MANAGER, step="nonsense").status == 200
        mine = ask(hr, path, rep).body.decode()
        assert 'value="contest"' in mine
        assert 'value="dismiss"' not in mine
        assert step(rep, step="contest", note="I waited for the customer").status == 303
        assert _state(hr, case) is CaseState.CONTESTED
        assert "I waited for the customer" in ask(hr, path).body.decode()
        assert step(MANAGER, step="comment", note="noted").status == 303
        assert ask(hr, path, who(Role.REP, "r005")).status == 404
        assert ask(hr, "/alerts/unknown").status == 404


def _state(hr: FieldHR, case: str) -> CaseState:
    with hr.acting_as(ADMIN, purpose="supervision") as desk:
        return desk.alerts.get(case).state


def test_alerts_are_narrowed_and_counted(hr: FieldHR) -> None:
    everything = ask(hr, "/alerts").body.decode()
    assert everything.count("<tr>") > 3
    narrowed = ask(hr, "/alerts?severity=high").body.decode()
    assert 'class="sev sev-medium"' not in narrowed.partition("<tbody>")[2]
    assert ask(hr, "/alerts?page=x&show=done").status == 200
    assert ask(hr, "/alerts?show=mine", who(Role.COMPLIANCE)).status == 200


def test_what_people_and_customers_are_called_cannot_run(tmp_path: Path) -> None:
    with console_team.open_team(tmp_path / "nasty.db", 6) as hr:
        with hr.acting_as(ADMIN, purpose="integration") as desk:
            people = [attrs.evolve(p, name=NASTY) for p in desk.people.list()]
            desk.people.put(people)
            desk.customers.put([attrs.evolve(c, name=NASTY) for c in desk.customers.list()])
        case = a_case(hr, "track.offsite_dwell", "r004")
        for path in (*PATHS, f"/alerts/{case}", f"/?q={NASTY}", f"/alerts?rep={NASTY}&code={NASTY}", f"/{NASTY}"):
            text = ask(hr, path, ADMIN).body.decode()
            assert "<script>alert" not in text, path
            assert "{{" not in text.replace("{{ 7*7 }}", ""), path
        assert "&lt;script&gt;alert(1)" in ask(hr, "/", ADMIN).body.decode()


@pytest.mark.req("G4")
def test_a_host_gets_a_fragment_or_a_shadow_tree_and_its_colours_are_variables(hr: FieldHR) -> None:
    tree = embedded(hr, MANAGER, "/alerts?severity=high", root="/erp/sales")
    assert str(tree).startswith('<div class="fieldhr-host"><template shadowrootmode="open"><link rel="stylesheet"')
    assert "/erp/sales/alerts/" in tree
    plain = embedded(hr, MANAGER, "/alerts", embed="fragment")
    assert "<html" not in plain
    assert "<h1>" in plain
    css = ask(hr, "/shadow.css").body.decode()
    assert ":host{" in css
    assert "var(--fieldhr-way," in css
    assert ":host:not" not in css


@pytest.mark.req("F4")
def test_preferences_keep_what_is_known_and_never_lead_away(hr: FieldHR) -> None:
    def put(**form: str) -> dict[str, str]:
        answer = ask(hr, "/preferences", method="POST", form=form, is_ours=True, root="/x")
        assert answer.status == 303
        return dict(answer.headers)

    done = put(language="zh-Hans", theme="dark", density="compact", zone="Europe/Berlin", back="/x/alerts?code=a")
    assert done["location"] == "/x/alerts?code=a"
    cookie = done["set-cookie"].partition("=")[2].partition(";")[0]
    page = ask(hr, "/", preferences=cookie).body.decode()
    assert '<html lang="zh-Hans" data-theme="dark" data-density="compact">' in page
    assert "团队今日" in page
    assert "Europe/Berlin" in page
    for away in ("https://example.com/", "//example.com/", "/\\example.com", "javascript:x", "/x/\r\nset-cookie: a=b"):
        assert put(back=away)["location"] == "/x/"
    wrong = put(language="xx", theme="pink", zone="Mars/Olympus")["set-cookie"]
    assert "xx" not in wrong
    assert "Mars" not in wrong
    assert ask(hr, "/preferences", method="POST", form={"theme": "dark"}).status == 403


@pytest.mark.req("F4")
def test_times_are_the_readers_with_the_zone_of_the_event_at_hand(hr: FieldHR) -> None:
    import datetime as dt

    moment = dt.datetime(2026, 3, 29, 1, 30, tzinfo=dt.UTC)  # Berlin's clocks have just gone forward
    shown = Speech(zone="Europe/Berlin").time(moment, "Asia/Shanghai", dated=True)
    assert "03:30" in shown
    assert "09:30 Shanghai" in shown
    assert "UTC+08:00" in shown
    assert 'datetime="2026-03-29T01:30:00Z"' in shown
    assert "<small>" not in Speech(zone="Asia/Shanghai").time(moment, "Asia/Shanghai")
    assert ">10:05</time></td>" in ask(hr, "/people/r004").body.decode()
    assert (
        ">03:05</time> <small>10:05 Shanghai</small>"
        in ask(hr, "/people/r004", preferences="zone=Europe%2FBerlin").body.decode()
    )


@pytest.mark.req("F4")
@pytest.mark.parametrize(
    ("language", "number", "share", "day"),
    [
        ("en", "1,234.5", "12.5%", "Thu 5 Mar"), ("zh-Hans", "1,234.5", "12.5%", "3月5日周四"),
        ("zh-Hant", "1,234.5", "12.5%", "3月5日"), ("ja", "1,234.5", "12.5%", "3月5日(木)"), ("ko", "1,234.5", "12.5%", "3월 5일"),
        ("de", "1.234,5", "12,5\N{NO-BREAK SPACE}%", "Do., 5. März"), ("fr", "1\N{NARROW NO-BREAK SPACE}234,5", "12,5", "jeu. 5 mars"),
        ("es", "1234,5", "12,5", "jue, 5 mar"), ("pt", "1.234,5", "12,5%", "qui., 5 de mar"), ("ru", "1\N{NO-BREAK SPACE}234,5", "12,5", "5 мар"),
        ("vi", "1.234,5", "12,5%", "5 thg 3"), ("th", "1,234.5", "12.5%", "5 มี.ค."),
    ],
)  # fmt: skip
def test_numbers_and_dates_are_the_locales_own(language: str, number: str, share: str, day: str, hr: FieldHR) -> None:
    spoken = Speech(language=language, zone="Asia/Shanghai")
    assert spoken.number(1234.5, 1) in (number, number.replace("1234", "1.234"))
    assert spoken.share(0.125, 1).startswith(share.rstrip("%"))
    assert day in spoken.day("2026-03-05")
    page = ask(hr, "/", languages=language)
    assert page.status == 200
    assert f'<html lang="{language}">' in page.body.decode()


@pytest.mark.req("F4")
@pytest.mark.parametrize(
    ("asked", "got"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"), ("zh-TW", "zh-Hant"), ("zh", "zh-Hans"), ("de-AT,en;q=0.5", "de"),
        ("en-US;q=0.1, ja", "ja"), ("xx", "en"), ("", "en"), ("fr;q=zzz,ko", "ko"), ("de;q=0,en", "en"), ("PT-br", "pt"),
    ],
)  # fmt: skip
def test_the_best_language_is_found(asked: str, got: str) -> None:
    assert best_language(asked) == got


@pytest.mark.req("F4")
def test_the_first_languages_are_complete_and_their_places_for_values_are_right() -> None:
    texts = {_key(message): message for message in catalogue.template() if message.id}
    folders = {folder.name: folder for folder in catalogue.folders()}
    assert {"en", "zh_Hans"} <= set(folders)
    assert {name.replace("_", "-") for name in folders} <= set(LANGUAGES)
    for name, folder in folders.items():
        there = catalogue.catalogue_of(folder)
        translated = {
            _key(message): message for message in there if message.id and message.string and not message.fuzzy
        }
        if name in ("en", "zh_Hans"):
            assert set(texts) - set(translated) == set(), f"{name}: run python tests/pages/console_catalogue.py"
        for message in translated.values():
            assert not list(message.check(there)), message.id
            forms = [message.string] if isinstance(message.string, str) else message.string
            wanted = set(re.findall(r"%\(\w+\)s", message.id if isinstance(message.id, str) else message.id[-1]))
            for form in forms:
                found = set(re.findall(r"%\(\w+\)s", form))
                assert found <= wanted
                assert found == wanted or not isinstance(message.id, str), message.id
        mo = folder / "LC_MESSAGES" / "console.mo"
        assert mo.read_bytes() == catalogue.compiled(there), f"{name}: run python tests/pages/console_catalogue.py"


def _key(message: Any) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


class _Pseudo:
    """Marks every translated text, so that what is not marked was never offered for translation."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, one: str, many: str, count: int) -> str:
        return f"⟦{one if count == 1 else many}⟧"


class _Texts(HTMLParser):
    """Collects what is read: texts and the attributes that are read out, without code and places for data."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._deep = 0

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        if tag in ("code", "script", "style", "select"):
            self._deep += 1
        self.found += [value for name, value in attributes if name in ("aria-label", "alt", "placeholder") and value]

    def handle_endtag(self, tag: str) -> None:
        if tag in ("code", "script", "style", "select"):
            self._deep -= 1

    def handle_data(self, data: str) -> None:
        if not self._deep and data.strip():
            self.found.append(data.strip())


@pytest.mark.req("F4")
def test_no_text_of_a_page_escapes_translation(hr: FieldHR, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "_catalogue", lambda language: _Pseudo())
    data = re.compile(
        r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b|fieldhr\S*|m\.chen|ops|x\.\w+|[a-z]\w*(?:\.\w+)+|Asia/Shanghai|Shanghai|WGS-84|[A-Z][a-z]{2},? \d|\d+ [A-Z][a-z]{2}"
        r"|Sample Bank|bank|mall|[rtm]\d+\S*|wealth_product|rep|chat|UTC|ZIP|credit_manager|general|tracking|consent|v1"
    )
    loose = set()
    for path, principal in [("/", MANAGER), ("/people/r004", MANAGER), ("/alerts", MANAGER), ("/messages", MANAGER), ("/trends", MANAGER), ("/scores", MANAGER)]:  # fmt: skip
        page = _Texts()
        page.feed(ask(hr, path, principal).body.decode())
        for text in page.found:
            outside = re.sub(r"⟦.*?⟧", "", re.sub(r"⟦[^⟦⟧]*⟧", "", text))
            left = data.sub("", outside)
            if re.search(r"[A-Za-z]{3,}", left):
                loose.add((path, text[:90]))
    # What alerts and reasons say is the plugins' own, and stands in their messages.json in the reader's language.
    said = {text for texts in _wording(hr).texts.values() for text in texts.values()}
    starts = tuple(re.split(r"\{", text)[0][:12] for text in said if re.split(r"\{", text)[0][:12].strip())
    assert {each for each in loose if not each[1].startswith(starts) and not re.match(r"[\d.]", each[1])} == set()


def _wording(hr: FieldHR) -> Any:
    with hr.acting_as(ADMIN, purpose="supervision") as desk:
        return desk.boards.wording()


def test_an_unknown_language_and_a_missing_text_are_english() -> None:
    assert Speech(language="th").t("Team today") == "Team today"
    assert Speech(language="zh-Hans").t("Team today") == "团队今日"
    assert Speech(language="zh-Hans").n("%(count)s case", "%(count)s cases", 3) == "3 件"
    assert Speech().n("%(count)s case", "%(count)s cases", 1) == "1 case"
    assert Speech().said("stay.at_customer") == "at customer"
    assert Speech().metres(float("nan")) == "–"
    assert Speech().number(None) == "–"


@pytest.mark.req("I6")
def test_everything_held_can_be_taken_along_by_whom_it_is_about_and_nobody_else(hr: FieldHR) -> None:
    mine = ask(hr, "/me/data.zip", REP)
    assert mine.body[:2] == b"PK"
    assert mine.media == "application/zip"
    assert ask(hr, "/me/data.zip", ADMIN).status == 404
    assert ask(hr, "/me", ADMIN).status == 404


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FieldHR]:
    with console_team.open_team(tmp_path_factory.mktemp("large") / "large.db", 200) as runtime:
        yield runtime


@pytest.mark.req("I6")
def test_a_team_of_200_is_rendered_soon_and_small(large: FieldHR) -> None:
    """The bar is 20 ms at the 95th percentile, measured by ``nox -s bench``; here with slack for a busy machine."""
    with large.acting_as(MANAGER, purpose="supervision") as desk:
        board, open_cases = desk.boards.team(), desk.boards.cases(limit=6)

    class Given:
        class boards:
            team = staticmethod(lambda _day=None: board)
            cases = staticmethod(lambda **_: open_cases)
            customers = staticmethod(lambda _wanted: {})
            settings_of = staticmethod(lambda _plugin: None)

    asked = Asked(path="/", principal=MANAGER, speech=Speech(zone="Asia/Shanghai"))
    spent = []
    for _ in range(12):
        start = time.process_time()
        page = shell.page(asked, team.render(Given, asked)).encode()  # type: ignore[arg-type]
        spent.append(time.process_time() - start)
    assert statistics.median(spent) < 0.060
    assert len(gzip.compress(page)) < 60_000
    assert page.count(b"<tr>") >= 200
    assert len(gzip.compress(ask(large, "/").body)) < 60_000


@pytest.mark.req("D1")
def test_boards_work_on_every_database(database_url: str) -> None:
    with console_team.open_team(database_url, 6, keys=EphemeralKeys()) as hr:
        for principal in (MANAGER, ADMIN):
            board = _board(hr, principal)
            assert [m.id for m in board.members] == [f"r{n:03d}" for n in range(6)]
            assert sum(m.checkins for m in board.members) == 12
            assert board.days[-1].checkins == 12
            assert board.days[-1].visits == sum(m.visits for m in board.members) > 6
            assert board.names
        for path in PATHS:
            assert ask(hr, path, MANAGER).status in (200, 403), path


def _board(hr: FieldHR, principal: Principal) -> Any:
    with hr.acting_as(principal, purpose="supervision") as desk:
        return desk.boards.team()


@pytest.mark.req("A8")
def test_the_rest_of_today_is_not_unknown_it_has_not_been_yet(hr: FieldHR) -> None:
    now_ms = int(console_team.NOW.timestamp() * 1000)
    with hr.acting_as(MANAGER, purpose="supervision") as desk:
        silent = desk.reports.day("r006", console_team.DAY.date())
        there = desk.reports.day("r000", console_team.DAY.date())
    assert silent.gaps_ms[-1][1] == now_ms
    assert there.gaps_ms == ()


@pytest.mark.req("D1")
def test_the_checks_of_the_store_run_for_the_administrator_and_only_when_a_form_asks(
    hr: FieldHR, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    class Found:
        proofs = ()

    monkeypatch.setattr("fieldhr_core.care.room.Care.evidence", lambda _self, **_: asked.append(True) or Found())
    ask(hr, "/trust?evidence=1", ADMIN)
    ask(hr, "/trust", ADMIN, method="POST", form={"evidence": "1"}, is_ours=False)
    ask(hr, "/trust", who(Role.AUDITOR), method="POST", form={"evidence": "1"}, is_ours=True)
    assert asked == []
    assert ask(hr, "/trust", ADMIN, method="POST", form={"evidence": "1"}, is_ours=True).status == 200
    assert asked == [True]
