"""Whatever arrives: every payload is answered once, nothing raises, and no nonsense comes out."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldhr_core.model import REPORTED, Envelope
from fieldhr_core.model.tabulate import reported
from fieldhr_plugins.phones.sources import APPS, FILES, decoder

pytestmark = pytest.mark.req("A1", "A8")

RECEIVED = datetime(2024, 5, 6, 8, 0, tzinfo=UTC)
TST = 1714982340

numbers = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(-(10**25), 10**25),
    st.floats(-200, 200),
    st.sampled_from([0, -1, 0.0, -0.0, TST, TST * 1000, 1e300, 90, -180]),
)
texts = st.one_of(
    st.text(max_size=20), st.sampled_from(["", "NaN", "31.2", "３１", "2024-05-06T07:59:00Z", "true", "\x00"])
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4))

TEMPLATES: dict[str, Any] = {
    "owntracks": {
        "_type": "location",
        "lat": 31.2,
        "lon": 121.4,
        "tst": TST,
        "tid": "a",
        "acc": 5,
        "vel": 3,
        "batt": 50,
    },
    "traccar": {
        "device_id": "a",
        "location": {
            "timestamp": "2024-05-06T07:59:00Z",
            "coords": {"latitude": 31.2, "longitude": 121.4, "accuracy": 5, "speed": 1, "heading": 2, "altitude": 3},
            "battery": {"level": 0.5, "is_charging": False},
            "extras": {"a": 1},
        },
    },
    "overland": {
        "locations": [
            {
                "geometry": {"coordinates": [121.4, 31.2]},
                "properties": {"timestamp": "2024-05-06T07:59:00Z", "device_id": "a", "speed": 1, "battery_level": 0.5},
            }
        ]
    },
    "mobile": {"device": "a", "positions": [{"time": "2024-05-06T07:59:00Z", "lat": 31.2, "lon": 121.4, "extras": {}}]},
    "gpslogger": {"lat": 31.2, "lon": 121.4, "timestamp": TST, "id": "a", "acc": 5},
    "geojson": {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [121.4, 31.2]},
                "properties": {"time": "2024-05-06T07:59:00Z"},
            }
        ],
    },
}
FILE_TEXTS = {
    "gpx": '<gpx><trk><trkseg><trkpt lat="31.2" lon="121.4"><time>2024-05-06T07:59:00Z</time></trkpt>'
    '<trkpt lat="31.2" lon="121.4"><ele>1</ele><time>2024-05-06T07:59:30Z</time></trkpt></trkseg></trk></gpx>',
    "kml": "<kml><Placemark><gx:Track><when>2024-05-06T07:59:00Z</when><gx:coord>121.4 31.2 1</gx:coord></gx:Track>"
    "</Placemark></kml>",
    "csv": "lat,lon,time,speed\n31.2,121.4,2024-05-06T07:59:00Z,1\n31.3,121.5,1714982340,2\n",
    "plt": "Geolife trajectory\nWGS 84\n\n\n\n0\n31.2,121.4,0,492,45418.3,2024-05-06,07:59:00\n",
    "rec": '2024-05-06T07:59:00Z\t*\t{"_type":"location","lat":31.2,"lon":121.4,"tst":1714982340,"tid":"a"}\n',
    "osmand": "id=a&lat=31.2&lon=121.4&timestamp=1714982340&speed=3&accuracy=5",
}


def check(source: str, *bodies: bytes, query: str = "", headers: dict[str, str] | None = None) -> int:
    envelopes = [
        Envelope(
            source=source,
            body=body,
            query=query,
            headers=headers or {},
            received=RECEIVED,
            name="file",
            options={"datum": "wgs84", "key": "k"},
        )
        for body in bodies
    ]
    answers = decoder(source).decode(envelopes)
    assert len(answers) == len(envelopes)
    for answer in answers:
        assert bool(answer.positions) + (answer.ignored is not None) + (answer.rejected is not None) == 1
        for position in answer.positions:
            assert math.isfinite(position.lat)
            assert math.isfinite(position.lon)
            assert abs(position.lat) <= 90
            assert abs(position.lon) <= 180
            assert (position.lat, position.lon) != (0.0, 0.0)
            assert position.device
            assert position.time.year >= 2000
            assert (position.time - RECEIVED).total_seconds() <= 86_400
            for known in (position.accuracy_m, position.speed_mps, position.heading_deg, position.battery_pct):
                assert known is None or (math.isfinite(known) and known >= 0)
            assert position.accuracy_m != 0
            assert position.mock in (None, True, False)
            json.dumps(dict(position.extras), allow_nan=False)
        for table in reported(answer.positions, "rep").values():
            assert table.schema is REPORTED
    return sum(len(answer.positions) for answer in answers)


def _mutated(draw: st.DrawFn, value: Any) -> Any:
    """Exchange, drop or keep each part of a template."""
    if isinstance(value, dict):
        made = {}
        for key, inner in value.items():
            what = draw(st.integers(0, 9))
            if what:
                made[key] = draw(values) if what == 1 else _mutated(draw, inner)
        return made
    if isinstance(value, list):
        return [_mutated(draw, inner) for inner in value for _ in range(draw(st.integers(1, 2)))]
    return draw(values) if draw(st.integers(0, 7)) == 0 else value


def _exchanged(value: Any, old: tuple[Any, ...], new: Any) -> Any:
    """Exchange every leaf that is one of *old*."""
    if isinstance(value, dict):
        return {key: _exchanged(inner, old, new) for key, inner in value.items()}
    if isinstance(value, list):
        return [_exchanged(inner, old, new) for inner in value]
    return new if value in old else value


COORDINATES = (31.2, 121.4)
TIMES = (TST, "2024-05-06T07:59:00Z")
FAR_TIMES = [
    0,
    -TST,
    TST + 864_000,
    900_000_000,
    "1970-01-01T00:00:00Z",
    "2034-05-06T07:59:00Z",
    "2024-05-06T07:59:00",
    1e30,
]


@st.composite
def payloads(draw: st.DrawFn) -> tuple[str, bytes]:
    source = draw(st.sampled_from(sorted(TEMPLATES)))
    template = TEMPLATES[source]
    if draw(st.booleans()):
        template = _exchanged(template, COORDINATES, draw(st.sampled_from([0, -0.0, "0", 1e-9, math.nan, 500, True])))
    if draw(st.booleans()):
        template = _exchanged(template, TIMES, draw(st.sampled_from(FAR_TIMES)))
    if draw(st.booleans()):
        template = _mutated(draw, template)
    return source, json.dumps(template).encode("utf-8", "surrogatepass")


@settings(max_examples=400, deadline=None)
@given(payloads())
def test_mutated_payloads(payload: tuple[str, bytes]) -> None:
    source, body = payload
    check(source, body, body)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([*APPS, *FILES]), st.lists(st.binary(max_size=300), max_size=3))
def test_any_bytes(source: str, bodies: list[bytes]) -> None:
    check(source, *bodies)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([*APPS, *FILES]), st.lists(values, max_size=3))
def test_any_json(source: str, bodies: list[Any]) -> None:
    check(source, *(json.dumps(body).encode("utf-8", "surrogatepass") for body in bodies))


@st.composite
def cut_texts(draw: st.DrawFn) -> tuple[str, bytes]:
    source = draw(st.sampled_from(sorted(FILE_TEXTS)))
    text = FILE_TEXTS[source]
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 12)))
        text = text[:start] + draw(texts) + text[end:]
    encoding = draw(st.sampled_from(["utf-8", "utf-16", "gb18030"]))
    return source, text.encode(encoding, "replace")


@settings(max_examples=300, deadline=None)
@given(cut_texts())
def test_damaged_files(payload: tuple[str, bytes]) -> None:
    check(payload[0], payload[1])


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(APPS)),
    st.text(max_size=200),
    st.dictionaries(st.sampled_from(["authorization", "x-limit-u"]), texts),
)
def test_any_query(source: str, query: str, headers: dict[str, str]) -> None:
    check(source, b"", query=query, headers=headers)


def test_the_templates_themselves_are_good() -> None:
    # Otherwise the fuzz would mutate what is refused anyway.
    for source, template in TEMPLATES.items():
        assert check(source, json.dumps(template).encode()) == 1, source
    for source, text in FILE_TEXTS.items():
        assert check(source, text.encode()) >= 1, source
