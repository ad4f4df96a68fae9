"""Recordings: recognised on the house's own machine, and what is said held against the same rules as what is written.

No model can be downloaded where the tests run: the real library is shown archives that it must refuse, and a stand-in
of the same calls says what a model would have said.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import types
import wave
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest

from fieldhr_core import FieldHR
from fieldhr_core.errors import ConfigError, MissingDependencyError, RecordError
from fieldhr_core.model import Heard, Outcome, Person, Principal, Recording, Role
from fieldhr_core.trust.keys import EphemeralKeys
from fieldhr_plugins import conduct
from fieldhr_plugins.conduct.speech import MODELS, LocalRecogniser

AT = datetime(2026, 3, 2, 2, tzinfo=UTC)
ADMIN = Principal(tenant="bank", id="erp", role=Role.ADMIN)


def sound(*, channels: int = 1, width: int = 2, seconds: float = 0.5) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(width)
        writer.setframerate(16_000)
        writer.writeframes(b"\0" * int(16_000 * seconds) * width * channels)
    return file.getvalue()


def recording(**more: Any) -> Recording:
    values: dict[str, Any] = {"id": "call-1", "rep": "ann", "customer": "c1", "start": AT, "audio": sound()}
    return Recording(**(values | more))


@attrs.frozen
class Says:
    """A recogniser that hears what it is told to."""

    heard: Sequence[Heard]

    def recognise(self, recording: Recording, /) -> Sequence[Heard]:
        if recording.audio == b"broken":
            raise RecordError("Broken.", code="FHR-REC-006")
        return self.heard


@pytest.fixture
def hr(sqlite_url: str) -> Iterator[FieldHR]:
    with FieldHR.open(sqlite_url, keys=EphemeralKeys(), plugins=[conduct], autoload=False) as runtime:
        runtime.tenants.create("bank", name="Bank")
        with runtime.acting_as(ADMIN, purpose="operations") as desk:
            desk.people.put([Person(id="ann", name="Ann")])
        yield runtime


@pytest.mark.req("C2")
@pytest.mark.scenario("C04")
def test_what_is_heard_alerts_with_its_place_and_no_more_confidence_than_the_recogniser(hr: FieldHR) -> None:
    said = [
        Heard(text="您好我是客户经理", offset_s=1.0, confidence=0.9),
        Heard(text="这个绝对宝本保息", offset_s=192.0, confidence=0.72),
        Heard(text="这个保本吗", offset_s=200.0, confidence=0.9, speaker="customer"),
    ]
    with hr.acting_as(ADMIN, purpose="integration") as desk:
        hello, promise, question = desk.messages.hear([recording()], Says(said))
        assert [one.outcome for one in (hello, promise, question)] == [Outcome.CLEARED, Outcome.STOP, Outcome.CLEARED]
        (case,) = desk.alerts.list(code="conduct.banned_phrase")
    finding = case.finding
    assert (finding.subject_kind, finding.subject, finding.params["offset_s"]) == ("call", "call-1", 192.0)
    assert finding.confidence == 0.72
    assert finding.params["recogniser_confidence"] == 0.72


@pytest.mark.req("C2")
@pytest.mark.scenario("C04")
def test_what_was_hardly_understood_goes_to_a_person_and_raises_nothing(hr: FieldHR) -> None:
    unsure = [Heard(text="这个绝对宝本保息", offset_s=192.0, confidence=0.35)]
    with hr.acting_as(ADMIN, purpose="integration") as desk:
        (ruling,) = desk.messages.hear([recording()], Says(unsure))
        assert desk.alerts.list(code="conduct.banned_phrase") == []
    assert ruling.outcome is Outcome.REVIEW


@pytest.mark.req("C2")
@pytest.mark.parametrize(
    ("call", "heard", "reason", "facts"),
    [
        (recording(audio=b"broken"), [], "speech.failed", {"fault": "FHR-REC-006"}),
        (recording(), [], "speech.silent", {}),
        (recording(), [Heard(text="保本", offset_s=1, confidence=7)], "speech.failed", {"fault": "ValueError"}),
    ],
    ids=["raises", "silent", "nonsense"],
)
def test_what_nobody_understood_is_not_cleared(
    hr: FieldHR, call: Recording, heard: list[Heard], reason: str, facts: dict[str, str]
) -> None:
    with hr.acting_as(ADMIN, purpose="integration") as desk:
        (ruling,) = desk.messages.hear([call], Says(heard))
    assert (ruling.submission, ruling.outcome) == ("call-1", Outcome.REVIEW)
    assert [(ground.code, ground.facts) for ground in ruling.grounds] == [(reason, facts)]


def test_one_side_of_a_call_is_whose_it_is_said_to_be(hr: FieldHR) -> None:
    with hr.acting_as(ADMIN, purpose="integration") as desk:
        (ruling,) = desk.messages.hear(
            [recording(speaker="customer")], Says([Heard(text="这个保本保息吧", offset_s=1, confidence=0.9)])
        )
    assert ruling.outcome is Outcome.CLEARED


def archive(folder: Path, name: str, *members: str) -> Path:
    path = folder / f"{name}.zip"
    with zipfile.ZipFile(path, "w") as file:
        for member in members or (f"{name}/conf/model.conf",):
            file.writestr(member, "x")
    return path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.req("C2")
def test_an_archive_is_refused_unless_it_is_the_one_that_is_known(tmp_path: Path) -> None:
    known = archive(tmp_path, "vosk-model-small-cn-0.22")
    with pytest.raises(ConfigError, match="has the SHA-256") as wrong:
        LocalRecogniser(known)
    assert wrong.value.code == "FHR-CFG-011"
    with pytest.raises(ConfigError, match="not a known one"):
        LocalRecogniser(archive(tmp_path, "vosk-model-of-mine"))
    with pytest.raises(ConfigError, match="cannot be read"):
        LocalRecogniser(tmp_path / "vosk-model-small-ja-0.22.zip")
    assert all(len(pinned) == 64 for pinned in MODELS.values())


@pytest.mark.parametrize("member", ["../evil", "/etc/evil", "a/../../evil", "c:evil"])
def test_an_archive_that_reaches_out_is_refused(tmp_path: Path, member: str) -> None:
    pytest.importorskip("vosk")
    path = archive(tmp_path, "mine", member)
    with pytest.raises(ConfigError, match="reaches out"):
        LocalRecogniser(path, more={"mine": digest(path)})


def test_the_real_library_refuses_what_is_no_model(tmp_path: Path) -> None:
    pytest.importorskip("vosk")
    path = archive(tmp_path, "mine")
    with pytest.raises(ConfigError, match="Vosk cannot read"):
        LocalRecogniser(path, more={"mine": digest(path)})
    (tmp_path / "none.zip").write_bytes(b"no archive")
    with pytest.raises(ConfigError, match="no ZIP file"):
        LocalRecogniser(tmp_path / "none.zip", more={"none": digest(tmp_path / "none.zip")})


class Kaldi:
    """Answers like Vosk's recogniser: a result at the second block, and one at the end."""

    blocks = 0

    def __init__(self, model: Any, rate: int) -> None:
        assert rate == 16_000

    def SetWords(self, on: bool) -> None:
        assert on

    def AcceptWaveform(self, block: bytes) -> bool:
        self.blocks += 1
        return self.blocks == 2

    def Result(self) -> str:
        words = [{"word": "保本", "conf": 0.9, "start": 1.5}, {"word": "的", "conf": 0.3, "start": 1.9}]
        return json.dumps({"text": "保本 的", "result": words})

    def FinalResult(self) -> str:
        return json.dumps({"text": ""})


@pytest.mark.req("C2")
def test_words_are_put_together_with_their_place_and_confidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    stand_in = types.SimpleNamespace(
        SetLogLevel=lambda _: None, Model=lambda path: seen.append(path), KaldiRecognizer=Kaldi
    )
    monkeypatch.setitem(sys.modules, "vosk", stand_in)
    path = archive(tmp_path, "mine")
    with LocalRecogniser(path, more={"mine": digest(path)}) as recogniser:
        assert Path(seen[0], "conf", "model.conf").is_file()
        (heard,) = recogniser.recognise(recording())
        assert heard == Heard(text="保本 的", offset_s=1.5, confidence=pytest.approx(0.7))
        for audio in (b"not a wav", sound(channels=2), sound(width=1)):
            with pytest.raises(RecordError, match="call-1"):
                recogniser.recognise(recording(audio=audio))
    assert not Path(seen[0]).exists()


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vosk", None)
    path = archive(tmp_path, "mine")
    with pytest.raises(MissingDependencyError, match=r"fieldhr\[speech\]"):
        LocalRecogniser(path, more={"mine": digest(path)})
