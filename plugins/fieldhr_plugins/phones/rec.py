"""``.rec`` files of the OwnTracks Recorder: time, topic and the message as the phone sent it, divided by tabs.

Read from the Recorder's STORE document and ``putrec``: one message a line, ``*`` in the second column for locations.
"""

from __future__ import annotations

from fieldhr_core.model import Decoded, Envelope
from fieldhr_plugins.phones.encodings import decoded_text
from fieldhr_plugins.phones.owntracks import OTHER_TYPES, WrongKeyError, opened, take_location, type_of
from fieldhr_plugins.phones.points import Points
from fieldhr_plugins.phones.settings import Terms
from fieldhr_plugins.phones.values import UnreadableError, identity, read_json

__all__ = ["read"]


def read(envelope: Envelope, terms: Terms) -> Decoded:
    """Read one file; see :data:`fieldhr_plugins.phones.decoding.Reader`."""
    lines = decoded_text(envelope.body).splitlines()
    if not any(line.strip() for line in lines):
        raise UnreadableError("file.empty", "The file is empty.")
    points = Points(terms, identity(envelope.name, envelope.source))
    for count, line in enumerate(lines, start=1):
        if line.strip():
            _take(points, line, f"line {count}")
    if not points.positions and {problem.code for problem in points.refused} == {"position.not_a_message"}:
        raise UnreadableError("file.not_the_format", "No line of the file holds a message of OwnTracks.")
    return points.decoded(nothing="file.no_locations")


def _take(points: Points, line: str, at: str) -> None:
    content = line.split("\t", 2)[-1].strip()
    try:
        message, _ = read_json(content.encode("utf-8", "replace"))
        if type_of(message) == "encrypted":
            message, _ = read_json(opened(message, points.terms.key))
    except UnreadableError as fault:
        sealed = isinstance(fault, WrongKeyError)
        code = fault.code.replace("payload.", "position.") if sealed else "position.not_a_message"
        points.refuse(code, at, fault.message)
        return
    kind = type_of(message)
    if kind == "location":
        take_location(points, message, at)
    elif kind not in OTHER_TYPES:
        points.refuse("position.not_a_message", at, "The line holds no message that OwnTracks knows.")
