"""Identity numbers and credit codes: every valid one is accepted, everything wrong is named."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_plugins.screening.numbers import identify, identity_number, normal_number, social_credit_code

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
TODAY = dt.date(2026, 3, 2)


def ric(area: str, born: dt.date, sequence: int) -> str:
    """A number with its check digit, computed in the other direction: by trying all eleven."""
    body = f"{area}{born:%Y%m%d}{sequence:03}"
    for value, check in enumerate("0123456789X"):
        weights = [pow(2, 17 - place, 11) for place in range(17)]
        if (sum(w * int(d) for w, d in zip(weights, body, strict=True)) + value) % 11 == 1:
            return body + check
    raise AssertionError(body)


def uscc(body: str) -> str:
    for check in ALPHABET:
        values = [ALPHABET.index(c) for c in body + check]
        if sum(value * pow(3, place, 31) for place, value in enumerate(values[:-1])) % 31 == -values[-1] % 31:
            return body + check
    raise AssertionError(body)


AREAS = st.sampled_from(["999999", "110101", "310115", "440305", "500107", "820000", "910000", "659004", "000000"])
PEOPLE = st.builds(ric, AREAS, st.dates(dt.date(1880, 1, 1), TODAY), st.integers(0, 999))
FIRMS = st.builds(
    lambda office, area, rest: uscc(office + area + rest),
    st.sampled_from(["91", "92", "11", "12", "52", "93", "Y1", "N2"]),
    st.integers(0, 999999).map("{:06}".format),
    st.text(ALPHABET, min_size=9, max_size=9),
)


@pytest.mark.req("C3")
@given(PEOPLE)
def test_every_valid_identity_number_is_accepted(number: str) -> None:
    answer = identity_number(number, today=TODAY)
    assert answer.valid, answer
    assert answer.normal == number
    assert answer.reason is None
    assert answer.birth_date == dt.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))


@pytest.mark.req("C3")
@given(FIRMS)
def test_every_valid_credit_code_is_accepted(number: str) -> None:
    answer = social_credit_code(number)
    assert answer.valid, answer
    assert answer.normal == number


@pytest.mark.req("C3")
@given(PEOPLE, st.integers(0, 17), st.integers(1, 9))
def test_one_wrong_digit_is_always_named(number: str, place: int, shift: int) -> None:
    digit = number[place]
    other = str((int(digit) + shift) % 10) if digit != "X" else str(shift)
    answer = identity_number(number[:place] + other + number[place + 1 :], today=TODAY)
    assert not answer.valid
    assert answer.reason in {
        "check_digit", "birth_date.year", "birth_date.month", "birth_date.day", "birth_date.future"
    }  # fmt: skip
    assert answer.message
    assert answer.position


@pytest.mark.req("C3")
@given(PEOPLE, st.integers(0, 16))
def test_two_exchanged_digits_are_always_named(number: str, place: int) -> None:
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    answer = identity_number(swapped, today=TODAY)
    assert answer.valid == (swapped == number)


@given(FIRMS, st.integers(0, 17), st.integers(1, 30))
def test_one_wrong_character_of_a_credit_code_is_always_named(number: str, place: int, shift: int) -> None:
    other = ALPHABET[(ALPHABET.index(number[place]) + shift) % 31]
    answer = social_credit_code(number[:place] + other + number[place + 1 :])
    assert (answer.valid, answer.reason) == (False, "check_digit")


@given(FIRMS, st.integers(0, 16))
def test_two_exchanged_characters_of_a_credit_code_are_always_named(number: str, place: int) -> None:
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert social_credit_code(swapped).valid == (swapped == number)


@pytest.mark.parametrize(
    ("value", "reason", "position"),
    [
        ("", "empty", None),
        ("  -- ", "empty", None),
        ("99999919850101", "length", None),
        ("9999991985010112345", "length", None),
        ("99999919850X01123X", "character", 12),
        ("9999991985010112AX", "character", 17),
        ("99999917990101123X", "birth_date.year", 7),
        ("99999919851301123X", "birth_date.month", 11),
        ("99999919850001123X", "birth_date.month", 11),
        ("99999919850230123X", "birth_date.day", 13),
        ("99999919000229123X", "birth_date.day", 13),
        ("99999919850100123X", "birth_date.day", 13),
        ("99999920290101123X", "birth_date.future", 7),
        ("999999851301123", "birth_date.month", 9),
    ],
)
def test_what_is_wrong_is_said_exactly(value: str, reason: str, position: int | None) -> None:
    answer = identity_number(value, today=TODAY)
    assert (answer.valid, answer.reason, answer.position) == (False, reason, position)
    assert answer.message
    if value.strip(" -"):
        assert value not in answer.message


def test_leap_days() -> None:
    assert identity_number(ric("999999", dt.date(2000, 2, 29), 12)).valid
    assert identity_number(ric("999999", dt.date(1984, 2, 29), 12)).valid
    assert identity_number("999999190002291234").reason == "birth_date.day"


def test_the_day_of_birth_may_be_today_and_not_tomorrow() -> None:
    number = ric("999999", TODAY, 7)
    assert identity_number(number, today=TODAY).valid
    assert identity_number(number, today=TODAY - dt.timedelta(1)).reason == "birth_date.future"


@pytest.mark.parametrize("dress", ["{0}{1}", "{0} {1}", "{0}-{1}", " {0}\u3000{1}\n", "\u200b{0}\ufeff{1}"])
def test_dress_does_not_matter(dress: str) -> None:
    number = ric("999999", dt.date(1985, 1, 1), 5)
    assert identity_number(dress.format(number[:6], number[6:])).normal == number
    wide = "".join(chr(ord(c) + 0xFEE0) for c in number)
    assert identity_number(dress.format(wide[:6], wide[6:])).normal == number


@pytest.mark.parametrize("x", ["x", "Ｘ", "ｘ", "Х", "×"])
def test_every_x_is_an_x(x: str) -> None:
    number = next(n for n in (ric("999999", dt.date(1985, 1, 1), s) for s in range(99)) if n.endswith("X"))
    assert identity_number(number[:17] + x).normal == number


def test_the_old_form_becomes_the_new_one() -> None:
    new = ric("110101", dt.date(1949, 12, 31), 2)
    old = new[:6] + new[8:17]
    answer = identity_number(old)
    assert (answer.valid, answer.normal, answer.warnings) == (True, new, ("old_form",))
    centenarian = identity_number("110101991231997")
    assert centenarian.birth_date == dt.date(1899, 12, 31)


def test_the_area_is_a_warning_only() -> None:
    assert identity_number(ric("999999", dt.date(1985, 1, 1), 5)).warnings == ("area_unknown",)
    # The district was founded in 1992; the person is older, and the number is good.
    assert identity_number(ric("310115", dt.date(1950, 1, 1), 5)).warnings == ()


@pytest.mark.parametrize(("letter", "meant"), [("I", "1"), ("O", "0"), ("Z", "2"), ("S", "5"), ("V", "U")])
def test_letters_that_credit_codes_leave_out(letter: str, meant: str) -> None:
    code = uscc("91110000600007273")
    answer = social_credit_code(code[:8] + letter + code[9:])
    assert (answer.reason, answer.position) == ("character", 9)
    assert f"{meant} may be meant" in answer.message


def test_a_credit_code_known_from_its_parts() -> None:
    # Organisation code 10000000 with its own check digit, in an office and area of their own.
    answer = social_credit_code(uscc("91" + "110000" + "100000007"))
    assert answer.valid
    assert "organisation_code" in answer.warnings or not answer.warnings


@given(st.text(max_size=40), st.sampled_from(["ric", "uscc"]))
def test_nothing_raises_and_normal_forms_are_final(text: str, kind: str) -> None:
    answer = identify(text, kind, today=TODAY)
    assert answer.valid == (answer.reason is None)
    assert normal_number(normal_number(text)) == normal_number(text)
    if answer.valid:
        assert identify(answer.normal, kind, today=TODAY).normal == answer.normal


def test_other_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="ric and uscc"):
        identify("1", "passport")
