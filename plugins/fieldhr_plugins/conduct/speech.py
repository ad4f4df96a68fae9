"""A recogniser on the house's own machine: Vosk, with models that are known by their SHA-256. Extra ``speech``.

Nothing is downloaded. The host gives the archive of a model as its makers publish it; it is compared with the table
below before anything of it is read, and unpacked for as long as the recogniser is open.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import wave
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Final

from fieldhr_core.errors import ConfigError, MissingDependencyError, RecordError
from fieldhr_core.model import Heard, Recording

__all__ = ["MODELS", "LocalRecogniser"]

#: Name of a model's archive -> SHA-256 of it. Apache-2.0 models of alphacephei.com/vosk/models; their makers publish no
#: digests. These were compared in four or more public repositories each that pin the same archive on their own
#: (package recipes, apps, tests); no archive could be downloaded where this was written.
MODELS: Final[Mapping[str, str]] = {
    "vosk-model-small-cn-0.22": "3af8b0e7e0f835ae9d414ce5df580237a3cfb08d586c9fbbb0f7ff29ad5b14ba",
    "vosk-model-small-en-us-0.15": "30f26242c4eb449f948e42cb302dd7a686cb29a3423a8367f99ff41780942498",
    "vosk-model-small-ja-0.22": "efa092d280153a77615e9e0c7d7283e93e600de3d19d3bec686c57ef19d52eac",
    "vosk-model-small-vn-0.4": "efe5c8494212110471a79befc48c79da679e5b1fc52a4ffb500222ff86d622e5",
}

_CHUNK: Final = 1 << 20
_BLOCK: Final = 4_000
#: More than any of the models above unpacks to.
_LARGEST: Final = 4 << 30


class LocalRecogniser:
    """Recognises speech with one model; a context manager that takes its unpacked model away again.

    Args:
        archive: the model's ZIP archive; its name, without ``.zip``, must stand in :data:`MODELS` or in *more*.
        more: further models of the host's own: name -> SHA-256 in hexadecimal.

    Raises:
        ConfigError: FHR-CFG-011 where the archive is unknown, or is not the one that is known by its name.
        MissingDependencyError: FHR-CFG-010 where Vosk is not installed.
    """

    def __init__(self, archive: str | Path, *, more: Mapping[str, str] | None = None) -> None:
        path = Path(archive)
        _check(path, {**MODELS, **(more or {})})
        try:
            import vosk
        except ImportError as cause:
            raise MissingDependencyError("vosk", extra="speech") from cause
        self._folder = tempfile.TemporaryDirectory(prefix="fieldhr-speech-")
        try:
            root = _unpack(path, Path(self._folder.name))
            self._vosk: Any = vosk
            self._model: Any = _model(vosk, root)
        except BaseException:
            self._folder.cleanup()
            raise

    def recognise(self, recording: Recording, /) -> Sequence[Heard]:
        """Return what was said, in order.

        Raises:
            RecordError: FHR-REC-006 where the audio is no WAV file of 16 bit PCM.
        """
        return list(_heard(self._vosk, self._model, recording))

    def close(self) -> None:
        """Take the unpacked model away."""
        self._folder.cleanup()

    def __enter__(self) -> LocalRecogniser:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


def _check(path: Path, known: Mapping[str, str]) -> None:
    name = path.name.removesuffix(".zip")
    pinned = known.get(name)
    if pinned is None:
        raise ConfigError(
            f"The speech model {name!r} is not a known one; known are {', '.join(sorted(known))}.",
            code="FHR-CFG-011",
            model=name,
        )
    total = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_CHUNK):
                total.update(block)
    except OSError as cause:
        raise ConfigError(
            f"The speech model {name!r} cannot be read: {cause.strerror}.", code="FHR-CFG-011", model=name
        ) from cause
    if total.hexdigest() != pinned.lower():
        raise ConfigError(
            f"The archive of {name!r} has the SHA-256 {total.hexdigest()} and not {pinned.lower()}.",
            code="FHR-CFG-011",
            model=name,
        )


def _unpack(path: Path, folder: Path) -> Path:
    """Unpack an archive into an empty folder, and return the folder of the model in it."""
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
            outside = [member.filename for member in archive.infolist() if not _is_inside(member.filename)]
            if size > _LARGEST or outside:
                raise ConfigError(
                    "The archive of a speech model reaches out of its folder, or unpacks to more than any model.",
                    code="FHR-CFG-011",
                )
            archive.extractall(folder)
    except zipfile.BadZipFile as cause:
        raise ConfigError("The archive of a speech model is no ZIP file.", code="FHR-CFG-011") from cause
    inside = [entry for entry in folder.iterdir() if entry.is_dir()]
    return inside[0] if len(inside) == 1 and not (folder / "conf").exists() else folder


def _model(vosk: Any, root: Path) -> Any:
    vosk.SetLogLevel(-1)
    try:
        return vosk.Model(str(root))
    except Exception as cause:
        raise ConfigError("Vosk cannot read the speech model.", code="FHR-CFG-011", model=root.name) from cause


def _is_inside(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/"))
    return not parts.is_absolute() and ".." not in parts.parts and ":" not in name


def _heard(vosk: Any, model: Any, recording: Recording) -> Iterator[Heard]:
    try:
        sound = wave.open(io.BytesIO(recording.audio))  # noqa: SIM115 - closed below, after it was read
    except (wave.Error, EOFError) as cause:
        raise RecordError(
            f"The recording {recording.id!r} is no WAV file.",
            code="FHR-REC-006",
            hint="Hand in a WAV file, PCM with 16 bit and one channel.",
        ) from cause
    with sound:
        channels, bits = sound.getnchannels(), 8 * sound.getsampwidth()
        if (channels, bits) != (1, 16):
            raise RecordError(
                f"The recording {recording.id!r} has {channels} channel(s) of {bits} bit.",
                code="FHR-REC-006",
                hint="Hand in each side of the call as a recording of its own, one channel with 16 bit.",
            )
        recogniser = vosk.KaldiRecognizer(model, sound.getframerate())
        recogniser.SetWords(True)
        while block := sound.readframes(_BLOCK):
            if recogniser.AcceptWaveform(block):
                yield from _utterance(recogniser.Result())
        yield from _utterance(recogniser.FinalResult())


def _utterance(answer: str) -> Iterator[Heard]:
    """Yield what Vosk's JSON answer holds; its confidence is the mean of the words', weighed by their letters."""
    result = json.loads(answer)
    words = result.get("result", ())
    text = str(result.get("text", "")).strip()
    if not text:
        return
    letters = sum(len(word["word"]) for word in words)
    sure = sum(float(word["conf"]) * len(word["word"]) for word in words) / letters if letters else 0.0
    start = float(words[0]["start"]) if words else 0.0
    yield Heard(text=text, offset_s=start, confidence=min(1.0, max(0.0, sure)))
