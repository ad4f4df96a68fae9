from __future__ import annotations

import base64
import codecs
import gzip
import json
import zlib
from datetime import UTC, datetime
from typing import Any

import nacl.secret
import nacl.utils
import pytest

from fieldhr_core.model import Datum, Decoded, Envelope, Position
from fieldhr_plugins.phones.owntracks import key_bytes
from fieldhr_plugins.phones.settings import PhonesSettings
from fieldhr_plugins.phones.sources import APPS, decoder

pytestmark = pytest.mark.req("A1")

RECEIVED = datetime(2024, 5, 6, 8, 0, tzinfo=UTC)
TST = int(datetime(2024, 5, 6, 7, 59, tzinfo=UTC).timestamp())
FIXED = datetime(2024, 5, 6, 7, 59, tzinfo=UTC)


def decode(source: str, body: Any = b"", settings: PhonesSettings | None = None, **fields: Any) -> Decoded:
    if not isinstance(body, bytes):
        body = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    fields.setdefault("received", RECEIVED)
    [decoded] = decoder(source, settings).decode([Envelope(source=source, body=body, **fields)])
    assert bool(decoded.positions) + bool(decoded.ignored) + bool(decoded.rejected) == 1
    return decoded


def only(decoded: Decoded) -> Position:
    [position] = decoded.positions
    return position


# --- OwnTracks ------------------------------------------------------------------------------------------------------

ANDROID = {
    "_type": "location",
    "_id": "5d4f",
    "BSSID": "02:00:00:00:00:00",
    "SSID": "office",
    "acc": 14,
    "alt": 23,
    "batt": 81,
    "bs": 1,
    "cog": 270,
    "conn": "w",
    "created_at": TST + 1,
    "inregions": ["Branch"],
    "lat": 31.2304,
    "lon": 121.4737,
    "m": 1,
    "source": "fused",
    "t": "u",
    "tid": "lw",
    "topic": "owntracks/li.wei/pixel",
    "tst": TST,
    "vac": 3,
    "vel": 54,
}


def owntracks(changes: dict[str, Any] | None = None, **fields: Any) -> Decoded:
    message = {**ANDROID, **(changes or {})}
    return decode("owntracks", {key: value for key, value in message.items() if value != "absent"}, **fields)


def test_owntracks_location() -> None:
    decoded = owntracks()
    assert decoded.reply == b"[]"
    position = only(decoded)
    assert (position.device, position.time, position.received) == ("li.wei/pixel", FIXED, RECEIVED)
    assert (position.lat, position.lon, position.datum) == (31.2304, 121.4737, Datum.WGS84)
    assert (position.accuracy_m, position.altitude_m, position.heading_deg) == (14, 23, 270)
    assert position.speed_mps == pytest.approx(15.0)  # 54 km/h
    assert (position.battery_pct, position.charging, position.mock, position.source) == (81, False, None, "fused")
    assert position.extras["inregions"] == ["Branch"]
    assert position.extras["t"] == "u"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"vel": -1, "cog": -1}, {"speed_mps": None, "heading_deg": None}),  # old iOS
        ({"acc": 0, "alt": 0, "vel": 0, "cog": 0}, {"accuracy_m": None, "altitude_m": None, "heading_deg": None}),
        ({"vel": 0, "source": "gps"}, {"speed_mps": 0.0}),
        ({"vel": 0, "source": "network"}, {"speed_mps": None, "source": "network"}),
        ({"acc": "absent", "alt": "absent", "vel": "absent", "cog": "absent"}, {"accuracy_m": None, "speed_mps": None}),
        ({"cog": 0, "vel": 20}, {"heading_deg": 0.0}),  # due north
        ({"cog": 360}, {"heading_deg": 0.0}),
        ({"acc": 12.0, "tst": float(TST), "vel": 36.0}, {"accuracy_m": 12.0, "speed_mps": 10.0}),  # ints as floats
        ({"batt": -1}, {"battery_pct": None}),
        ({"batt": 0}, {"battery_pct": 0.0}),
        ({"batt": 101}, {"battery_pct": None}),
        ({"bs": 0}, {"charging": None}),
        ({"bs": 2}, {"charging": True}),
        ({"bs": 3}, {"charging": True}),
        ({"bs": "absent", "batt": "absent"}, {"charging": None, "battery_pct": None}),
        ({"source": "passive"}, {"source": None}),
        ({"acc": True, "batt": False}, {"accuracy_m": None, "battery_pct": None}),  # booleans are no numbers
        ({"acc": "１２"}, {"accuracy_m": None}),  # nor are full-width digits
        ({"acc": "12"}, {"accuracy_m": 12.0}),
    ],
)
def test_owntracks_sentinels(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    position = only(owntracks(changes))
    for name, value in expected.items():
        found = getattr(position, name)
        assert found == (pytest.approx(value) if isinstance(value, float) else value), name
        assert not (value is None and found is not None)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"lat": 0, "lon": 0}, "position.null_island"),
        ({"lat": 0.0, "lon": -0.0}, "position.null_island"),
        ({"lat": 91}, "position.out_of_range"),
        ({"lon": -180.5}, "position.out_of_range"),
        ({"lat": "absent"}, "position.no_coordinate"),
        ({"lon": None}, "position.no_coordinate"),
        ({"lat": True}, "position.no_coordinate"),
        ({"lat": "３１.２"}, "position.no_coordinate"),
        ({"lat": [31.2]}, "position.no_coordinate"),
        ({"tst": "absent"}, "position.no_time"),
        ({"tst": "yesterday"}, "position.no_time"),
        ({"tst": 0}, "position.impossible_time"),
        ({"tst": -5}, "position.impossible_time"),
        ({"tst": 900_000_000}, "position.impossible_time"),  # 1998
        ({"tst": TST + 2 * 86400}, "position.impossible_time"),
        ({"tst": TST * 1000}, "position.impossible_time"),  # the protocol says seconds
        ({"tst": 10**30}, "position.impossible_time"),
        ({"tid": "absent", "topic": "absent"}, "position.no_identity"),
    ],
)
def test_owntracks_refuses_by_name(changes: dict[str, Any], code: str) -> None:
    decoded = owntracks(changes)
    assert decoded.rejected is not None
    assert decoded.rejected.code == code
    assert decoded.reply == b"[]"  # it will not get better: the app may forget it


def test_near_misses_of_the_refusals_are_taken() -> None:
    assert only(owntracks({"lat": 0, "lon": 6.7})).lat == 0  # the equator is a place
    assert only(owntracks({"lat": 51.5, "lon": 0})).lon == 0
    assert only(owntracks({"lat": 90, "lon": 180})).lat == 90
    assert only(owntracks({"tst": int(RECEIVED.timestamp()) + 86_400})).time > RECEIVED
    assert only(owntracks({"tst": 946_684_800})).time.year == 2000


@pytest.mark.parametrize(
    "kind",
    ["lwt", "status", "waypoint", "waypoints", "transition", "card", "cmd", "steps", "beacon", "dump", "request"],
)
def test_owntracks_other_messages_are_ignored_with_a_reason(kind: str) -> None:
    decoded = decode("owntracks", {"_type": kind, "tst": "1714982340", "lat": 31.2, "lon": 121.4, "tid": "x"})
    assert decoded.ignored == f"owntracks.{kind}"
    assert decoded.reply == b"[]"


def test_owntracks_empty_body_is_ignored() -> None:
    for body in (b"", b"  \n"):
        assert decode("owntracks", body).ignored == "payload.empty"


@pytest.mark.parametrize(
    ("fields", "device"),
    [
        ({"topic": "owntracks/jane/phone", "headers": {"x-limit-u": "other"}}, "jane/phone"),
        ({"topic": "owntracks/jane/phone/event"}, "jane/phone"),
        ({"headers": {"x-limit-u": "jane", "x-limit-d": "phone"}}, "jane/phone"),
        ({"query": "u=jane&d=phone"}, "jane/phone"),
        (
            {"headers": {"authorization": "Basic " + base64.b64encode(b"jane:secret").decode()}, "query": "d=p"},
            "jane/p",
        ),
        ({"headers": {"authorization": "Bearer x"}}, "li.wei/pixel"),
        ({}, "li.wei/pixel"),
        ({"options": {"device": "known-to-host"}}, "known-to-host"),
    ],
)
def test_owntracks_identity(fields: dict[str, Any], device: str) -> None:
    assert only(owntracks(**fields)).device == device


@pytest.mark.parametrize(
    "topic", ["owntracks/jane/phone", "/owntracks/jane/phone/event", "fleet/jane/phone", "acme/north/jane/phone/step"]
)
def test_owntracks_identity_of_a_topic_with_another_base(topic: str) -> None:
    assert only(owntracks(topic=topic)).device == "jane/phone"


def test_owntracks_identity_falls_back_to_the_tracker_id() -> None:
    assert only(owntracks({"topic": "absent"})).device == "lw"
    assert only(owntracks({"topic": "absent"}, headers={"x-limit-u": "jane"})).device == "jane/lw"
    assert owntracks({"topic": "absent", "tid": "\x00"}).rejected is not None


def sealed(passphrase: str, message: Any = None) -> dict[str, str]:
    plain = json.dumps(ANDROID if message is None else message).encode()
    box = nacl.secret.SecretBox(key_bytes(passphrase)).encrypt(plain)
    return {"_type": "encrypted", "data": base64.b64encode(box).decode()}


@pytest.mark.parametrize("passphrase", ["s3cret", "密码短语", "x" * 32, "x" * 40])
def test_owntracks_encrypted(passphrase: str) -> None:
    for settings, options in ((None, {"key": passphrase}), (PhonesSettings(owntracks_key=passphrase), {})):
        assert only(decode("owntracks", sealed(passphrase), settings=settings, options=options)).lat == 31.2304


def test_owntracks_encrypted_other_types_are_ignored_too() -> None:
    assert decode("owntracks", sealed("k", {"_type": "lwt"}), options={"key": "k"}).ignored == "owntracks.lwt"


def test_owntracks_encrypted_without_the_right_key_is_kept_by_the_app() -> None:
    for options, code in (({}, "payload.no_key"), ({"key": "wrong"}, "payload.wrong_key")):
        decoded = decode("owntracks", sealed("right"), options=options)
        assert decoded.rejected is not None
        assert decoded.rejected.code == code
        assert decoded.reply == b""  # no answer that would clear its queue


def test_owntracks_encrypted_rubbish() -> None:
    for data, code in ((5, "payload.not_base64"), ("@@", "payload.not_base64"), ("AAAA", "payload.wrong_key")):
        rejected = decode("owntracks", {"_type": "encrypted", "data": data}, options={"key": "k"}).rejected
        assert rejected is not None
        assert rejected.code == code
    # A sealed seal is nobody's message.
    rejected = decode("owntracks", sealed("k", sealed("k")), options={"key": "k"}).rejected
    assert rejected is not None
    assert rejected.code == "payload.unknown_type"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "payload.not_json"),
        (b"\xff\xfe\x00", "payload.not_utf8"),
        (b"[" * 100_000, "payload.too_deep"),
        (b"[]", "payload.unknown_type"),
        (b"null", "payload.unknown_type"),
        (b'{"_type":"zzz"}', "payload.unknown_type"),
        (b'{"_type":["location"]}', "payload.unknown_type"),
        (b'{"_type":"location","tst":' + b"9" * 5000 + b',"lat":1,"lon":2,"tid":"a"}', "position.no_time"),
    ],
)
def test_owntracks_rubbish(body: bytes, code: str) -> None:
    rejected = decode("owntracks", body).rejected
    assert rejected is not None
    assert rejected.code == code


def test_nan_costs_its_field_only_and_a_double_key_is_noted() -> None:
    body = json.dumps(ANDROID).replace('"acc": 14', '"acc": NaN').replace('"vac": 3', '"lat": 31.0, "vel": Infinity')
    decoded = decode("owntracks", body)
    position = only(decoded)
    assert position.accuracy_m is None
    assert position.lat == 31.0  # the last value counts
    assert {problem.code for problem in decoded.problems} == {"payload.duplicate_key"}
    rejected = decode("owntracks", json.dumps(ANDROID).replace("31.2304", "NaN")).rejected
    assert rejected is not None
    assert rejected.code == "position.no_coordinate"


# --- OsmAnd ---------------------------------------------------------------------------------------------------------

QUERY = (
    f"id=353816&timestamp={TST}&lat=31.2304&lon=121.4737&speed=9.719222&bearing=88&altitude=12.5&accuracy=7&batt=64.0"
)


def test_osmand_query_is_in_knots() -> None:
    position = only(decode("osmand", query=QUERY, method="GET"))
    assert (position.device, position.time) == ("353816", FIXED)
    assert position.speed_mps == pytest.approx(5.0, abs=1e-6)  # 9.719222 knots
    assert (position.heading_deg, position.altitude_m, position.accuracy_m, position.battery_pct) == (88, 12.5, 7, 64)
    assert (position.mock, position.charging) == (None, None)  # absent is not said, never clean


def test_osmand_form_body_and_aliases() -> None:
    body = (
        f"deviceid=a%2Fb&timestamp={TST}&location=31.2304,121.4737&heading=10&speed=0&charge=true&mock=true&alarm=sos"
    )
    position = only(decode("osmand", body))
    assert (position.device, position.lat, position.lon) == ("a/b", 31.2304, 121.4737)
    assert (position.mock, position.charging, position.speed_mps, position.heading_deg) == (True, True, 0.0, 10)
    assert position.extras == {"alarm": "sos"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ("accuracy=0.0", {"accuracy_m": None}),
        ("altitude=0.0", {"altitude_m": None}),
        ("speed=-1", {"speed_mps": None}),
        ("batt=-1", {"battery_pct": None}),
        ("mock=false", {"mock": False}),
        ("mock=perhaps", {"mock": None}),
        ("speed=nan", {"speed_mps": None}),
        ("speed=1_0", {"speed_mps": None}),
        ("bearing=-1", {"heading_deg": None}),
    ],
)
def test_osmand_sentinels(changes: str, expected: dict[str, Any]) -> None:
    position = only(decode("osmand", query=f"{QUERY}&{changes}"))
    for name, value in expected.items():
        assert getattr(position, name) is value, name


@pytest.mark.parametrize(
    ("stamp", "options", "expected"),
    [
        (str(TST), {}, FIXED),
        (str(TST * 1000 + 250), {}, FIXED.replace(microsecond=250_000)),
        ("2024-05-06T07:59:00Z", {}, FIXED),
        ("2024-05-06T15:59:00%2B0800", {}, FIXED),
        ("2024-05-06T15:59:00+08:00", {}, FIXED),  # an unescaped plus arrives as a space
        ("2024-05-06%2015:59:00", {"zone": "Asia/Shanghai"}, FIXED),
        ("2024-05-06T15:59:00", {"zone": "Asia/Shanghai"}, FIXED),
    ],
)
def test_osmand_times(stamp: str, options: dict[str, str], expected: datetime) -> None:
    query = QUERY.replace(f"timestamp={TST}", f"timestamp={stamp}")
    assert only(decode("osmand", query=query, options=options)).time == expected


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (QUERY.replace("id=353816&", ""), "position.no_identity"),
        (QUERY.replace("id=353816", "id="), "position.no_identity"),
        (QUERY.replace(str(TST), "2024-05-06%2015:59:00"), "position.naive_time"),
        (QUERY.replace(str(TST), "soon"), "position.no_time"),
        (QUERY.replace(str(TST), "0"), "position.impossible_time"),
        (QUERY.replace("31.2304", "abc"), "position.no_coordinate"),
        (QUERY.replace("31.2304", ""), "position.no_coordinate"),
        (QUERY.replace("31.2304", "131.2304"), "position.out_of_range"),
        (QUERY.replace("31.2304", "0").replace("121.4737", "0.0"), "position.null_island"),
    ],
)
def test_osmand_refuses_by_name(query: str, code: str) -> None:
    rejected = decode("osmand", query=query).rejected
    assert rejected is not None
    assert rejected.code == code


def test_osmand_a_receiver_without_a_fix_gives_no_position() -> None:
    for word in ("false", "0"):
        rejected = decode("osmand", query=f"{QUERY}&valid={word}").rejected
        assert rejected is not None
        assert rejected.code == "position.not_valid"
    for word in ("true", "1", ""):
        assert only(decode("osmand", query=f"{QUERY}&valid={word}")).device == "353816"


def test_osmand_a_whole_address_is_read_as_its_query() -> None:
    for address in (f"/?{QUERY}", f"http://host:5055/?{QUERY}", f"?{QUERY}"):
        assert only(decode("osmand", query=address)).device == "353816"


def test_osmand_without_time_counts_as_now_or_is_refused() -> None:
    query = QUERY.replace(f"&timestamp={TST}", "")
    assert only(decode("osmand", query=query)).time == RECEIVED
    rejected = decode("osmand", query=query, received=None).rejected
    assert rejected is not None
    assert rejected.code == "position.no_time"


def test_osmand_without_place_is_ignored() -> None:
    assert decode("osmand", query="id=1&cell=460,0,1,2,-70&wifi=aa-bb,-60").ignored == "osmand.no_location"
    assert decode("osmand", query="id=1&notificationToken=t").ignored == "osmand.no_location"
    assert decode("osmand").ignored == "payload.empty"


# --- Traccar Client -------------------------------------------------------------------------------------------------


def traccar_payload() -> dict[str, Any]:
    return {
        "location": {
            "timestamp": "2024-05-06T07:59:00.123Z",
            "coords": {
                "latitude": 31.2304,
                "longitude": 121.4737,
                "accuracy": 4.8,
                "speed": 1.25,
                "heading": 191.5,
                "altitude": 16.2,
            },
            "is_moving": True,
            "odometer": 5120.4,
            "event": "motionchange",
            "battery": {"level": 0.57, "is_charging": False},
            "activity": {"type": "walking"},
            "mock": True,
            "extras": {"shift": "early", "big": {"no": 1}},
        },
        "device_id": "9f8e",
    }


def test_traccar_json() -> None:
    position = only(decode("traccar", traccar_payload()))
    assert position.device == "9f8e"
    assert position.time == FIXED.replace(microsecond=123_000)
    assert (position.speed_mps, position.heading_deg, position.altitude_m) == (1.25, 191.5, 16.2)
    assert (position.accuracy_m, position.battery_pct, position.charging, position.mock) == (4.8, 57.0, False, True)
    assert position.extras["activity"] == "walking"
    assert position.extras["shift"] == "early"
    assert "big" not in position.extras


def test_traccar_minus_one_is_unknown_and_an_absent_mock_is_not_said() -> None:
    payload = traccar_payload()
    payload["location"]["coords"].update(speed=-1, heading=-1, accuracy=-1, altitude=-1)
    payload["location"]["battery"] = {"level": -1, "is_charging": True}
    del payload["location"]["mock"]
    position = only(decode("traccar", payload))
    unknown = (position.speed_mps, position.heading_deg, position.accuracy_m, position.altitude_m, position.battery_pct)
    assert unknown == (None,) * 5
    assert (position.mock, position.charging) == (None, True)


def test_traccar_variant_with_fields_one_level_up() -> None:
    payload = {
        "device_id": "ios-1",
        "battery": {"level": 1.0, "is_charging": True},
        "activity": {"type": "still"},
        "location": {
            "timestamp": "2024-05-06T07:59:00Z",
            "latitude": 31.2304,
            "longitude": 121.4737,
            "accuracy": 5,
            "speed": -1,
            "altitude": 3,
        },
    }
    position = only(decode("traccar", payload))
    assert (position.lat, position.battery_pct, position.charging) == (31.2304, 100.0, True)
    assert position.speed_mps is None
    assert position.extras["activity"] == "still"


def test_traccar_batch_loses_only_the_bad_one() -> None:
    good, bad = traccar_payload()["location"], traccar_payload()["location"]
    bad["coords"]["latitude"] = 0
    bad["coords"]["longitude"] = 0
    decoded = decode("traccar", {"device_id": "x", "location": [good, bad, good]})
    assert len(decoded.positions) == 2
    assert [(p.code, p.at) for p in decoded.problems] == [("position.null_island", "location[1]")]


def test_traccar_without_identity_time_or_place() -> None:
    for path, code in (
        (("device_id",), "position.no_identity"),
        (("location", "timestamp"), "position.no_time"),
        (("location", "coords", "latitude"), "position.no_coordinate"),
    ):
        payload: Any = traccar_payload()
        inner = payload
        for key in path[:-1]:
            inner = inner[key]
        del inner[path[-1]]
        rejected = decode("traccar", payload).rejected
        assert rejected is not None
        assert rejected.code == code
    payload = traccar_payload()
    del payload["location"]["coords"]
    assert decode("traccar", payload).ignored == "traccar.no_location"


def test_traccar_takes_the_older_clients_query_too() -> None:
    assert only(decode("traccar", query=QUERY)).device == "353816"
    assert only(decode("traccar", QUERY)).speed_mps == pytest.approx(5.0, abs=1e-6)


def test_traccar_batches_in_every_shape() -> None:
    payload = traccar_payload()
    fix = payload["location"]
    other = {"location": fix, "device_id": "second"}
    for content, devices, places in (
        ([payload, other], ["9f8e", "second"], []),
        ({"device_id": "x", "locations": [fix, fix]}, ["x", "x"], []),
        ({"device_id": "x", **fix}, ["x"], []),
        ({"device_id": "x", "latitude": 31.2, "longitude": 121.4, "timestamp": TST}, ["x"], []),
        ([payload, 5, other], ["9f8e", "second"], ["[1]"]),
        ([payload, {"device_id": "x", "location": [{**fix, "timestamp": None}]}], ["9f8e"], ["[1].location[0]"]),
        ([payload, {"location": fix}], ["9f8e"], ["[1].location"]),
    ):
        decoded = decode("traccar", content)
        assert [position.device for position in decoded.positions] == devices
        assert [problem.at for problem in decoded.problems] == places
    assert decode("traccar", []).ignored == "traccar.no_location"


def test_traccar_identity_may_stand_in_the_address() -> None:
    payload = {"location": traccar_payload()["location"]}
    assert only(decode("traccar", payload, query="id=gate-7")).device == "gate-7"
    assert only(decode("traccar", {**payload, "device_id": "inner"}, query="id=gate-7")).device == "inner"
    assert only(decode("traccar", b"{}", query=QUERY)).device == "353816"


# --- Overland -------------------------------------------------------------------------------------------------------


def overland_feature(**properties: Any) -> dict[str, Any]:
    told = {
        "timestamp": "2024-05-06T15:59:00+0800",
        "altitude": 20,
        "speed": 4,
        "course": 45,
        "horizontal_accuracy": 30,
        "vertical_accuracy": 6,
        "motion": ["driving", "stationary"],
        "battery_state": "charging",
        "battery_level": 0.8,
        "device_id": "iphone-7",
        "wifi": "",
    }
    told.update(properties)
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [121.4737, 31.2304]}, "properties": told}


def test_overland_batch() -> None:
    decoded = decode(
        "overland", {"locations": [overland_feature(), overland_feature(speed=-1, course=-1)], "current": {}}
    )
    assert decoded.reply == b'{"result":"ok"}'
    first, second = decoded.positions
    assert (first.lat, first.lon, first.device, first.time) == (31.2304, 121.4737, "iphone-7", FIXED)
    assert (first.speed_mps, first.heading_deg, first.accuracy_m, first.altitude_m) == (4, 45, 30, 20)
    assert (first.battery_pct, first.charging, first.mock) == (80.0, True, None)
    assert (second.speed_mps, second.heading_deg) == (None, None)
    assert first.extras == {"motion": ["driving", "stationary"], "vertical_accuracy": 6}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"vertical_accuracy": -1, "altitude": 0}, {"altitude_m": None}),
        ({"battery_level": -1, "battery_state": "unknown"}, {"battery_pct": None, "charging": None}),
        ({"battery_level": 0.0, "battery_state": "unplugged"}, {"battery_pct": 0.0, "charging": False}),
        ({"battery_state": "full"}, {"charging": True}),
        ({"horizontal_accuracy": 0}, {"accuracy_m": None}),
        ({"device_id": "", "unique_id": "U-1"}, {"device": "U-1"}),
        ({"timestamp": "2024-05-06T07:59:00Z"}, {"time": FIXED}),
    ],
)
def test_overland_sentinels(told: dict[str, Any], expected: dict[str, Any]) -> None:
    position = only(decode("overland", {"locations": [overland_feature(**told)]}))
    for name, value in expected.items():
        assert getattr(position, name) == value, name


def test_overland_events_of_the_app_are_no_fixes() -> None:
    ended: dict[str, Any] = {
        "type": "Feature",
        "properties": {"timestamp": "2024-05-06T15:59:00+0800", "action": "will_terminate"},
    }
    visit = overland_feature(action="visit", arrival_date=None, departure_date="2024-05-06T15:00:00+0800")
    trip = overland_feature(type="trip", start="2024-05-06T14:00:00+0800")
    decoded = decode("overland", {"locations": [ended, visit, overland_feature(), trip]})
    assert len(decoded.positions) == 1
    assert [problem.code for problem in decoded.problems] == ["payload.not_a_fix"] * 3
    assert decode("overland", {"locations": [ended, visit]}).ignored == "overland.no_location"
    assert decode("overland", {"locations": []}).ignored == "overland.no_location"


def test_overland_carries_no_minus_one() -> None:
    position = only(decode("overland", {"locations": [overland_feature(vertical_accuracy=-1, speed_accuracy=-1)]}))
    assert position.extras == {"motion": ["driving", "stationary"]}


def test_overland_one_bad_feature_never_loses_the_others() -> None:
    bad: list[Any] = [
        None,
        5,
        {},
        overland_feature(horizontal_accuracy=-1),
        overland_feature(timestamp="1970-01-01T00:00:00Z"),
        overland_feature(timestamp=None),
        overland_feature(device_id=None),
        {**overland_feature(), "geometry": {"coordinates": [0, 0]}},
        {**overland_feature(), "geometry": {"coordinates": [31.2304, 121.4737]}},
        {**overland_feature(), "geometry": {"coordinates": "x"}},
    ]
    decoded = decode("overland", {"locations": [overland_feature(), *bad, overland_feature()]})
    assert len(decoded.positions) == 2
    assert [problem.code for problem in decoded.problems] == [
        "position.no_coordinate",
        "position.no_coordinate",
        "position.no_coordinate",
        "position.no_coordinate",
        "position.impossible_time",
        "position.no_time",
        "position.no_identity",
        "position.null_island",
        "position.out_of_range",
        "position.no_coordinate",
    ]


def test_overland_in_its_owntracks_mode_counts_seconds_from_2001() -> None:
    # GLManager.m writes timeIntervalSinceReferenceDate into tst: 31 years early, so refused, never stored in 1993.
    message = {
        "_type": "location",
        "lat": 31.2,
        "lon": 121.4,
        "tst": TST - 978_307_200,
        "acc": 5,
        "topic": "owntracks/a/b",
    }
    decoded = decode("overland", message)
    assert decoded.rejected is not None
    assert decoded.rejected.code == "position.impossible_time"
    assert decoded.reply == b'{"result":"ok"}'
    assert only(decode("overland", {**message, "tst": TST})).device == "a/b"


def test_overland_poison_is_acknowledged_and_named() -> None:
    for body in (b"{", b"{}", b'{"locations":5}'):
        decoded = decode("overland", body)
        assert decoded.rejected is not None
        assert decoded.reply == b'{"result":"ok"}'


# --- GPSLogger ------------------------------------------------------------------------------------------------------

LOGGED = (
    "lat=31.2304&lon=121.4737&sat=9&desc=&alt=14.0&acc=6.5&dir=12.0&prov=gps&spd_kph=18.0&spd=5.0&timestamp="
    f"{TST}&timeoffset=2024-05-06T15%3A59%3A00.000%2B08%3A00&time=2024-05-06T07%3A59%3A00.000Z&starttimestamp={TST}"
    "&date=2024-05-06&batt=77.0&ischarging=true&aid=a1b2c3&ser=unknown&act=&filename=20240506&profile=Default&hdop=1.1"
    "&vdop=null&pdop=null&dist=1250&"
)


def test_gpslogger_all_parameters() -> None:
    position = only(decode("gpslogger", query=LOGGED, method="GET"))
    assert (position.device, position.time, position.source) == ("a1b2c3", FIXED, "gps")
    assert (position.speed_mps, position.heading_deg, position.altitude_m, position.accuracy_m) == (
        5.0,
        12.0,
        14.0,
        6.5,
    )
    assert (position.battery_pct, position.charging, position.mock) == (77.0, True, None)
    assert position.extras == {
        "sat": "9",
        "hdop": "1.1",
        "dist": "1250",
        "profile": "Default",
        "filename": "20240506",
        "starttimestamp": str(TST),
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ("acc=0.0", {"accuracy_m": None}),
        ("alt=0.0", {"altitude_m": None}),
        ("spd=0.0&dir=0.0", {"speed_mps": 0.0, "heading_deg": None}),
        ("spd=0.0&prov=network", {"speed_mps": None, "source": "network"}),
        ("ischarging=false", {"charging": False}),
        ("spd=&speed_kph=36", {"speed_mps": 10.0}),
        ("time=&timeoffset=2024-05-06T15:59:00.000+08:00", {"time": FIXED}),
    ],
)
def test_gpslogger_sentinels(changes: str, expected: dict[str, Any]) -> None:
    query = LOGGED.replace("&spd_kph=18.0", "") if "kph" in changes else LOGGED
    position = only(decode("gpslogger", query=f"{query}{changes}"))
    for name, value in expected.items():
        assert getattr(position, name) == value, name


def test_gpslogger_templates_of_users() -> None:
    position = only(decode("gpslogger", query="lat=31.2&longitude=121.4&time=2024-05-06T07:59:00Z&s=3.5&id=me"))
    assert (position.lon, position.speed_mps, position.device) == (121.4, 3.5, "me")
    body = {"lat": 31.2, "lon": 121.4, "timestamp": TST, "acc": "8.0", "device": "json"}
    position = only(decode("gpslogger", body, headers={"authorization": "Basic " + base64.b64encode(b"u:p").decode()}))
    assert (position.device, position.accuracy_m) == ("json", 8.0)
    basic = {"authorization": "Basic " + base64.b64encode(b"u:p").decode()}
    assert only(decode("gpslogger", query=f"lat=1&lon=2&t={TST}", headers=basic)).device == "u"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (f"lat=31.2&lon=121.4&timestamp={TST}", "position.no_identity"),
        ("lat=31.2&lon=121.4&id=a", "position.no_time"),
        ("lat=31.2&lon=121.4&id=a&time=2024-05-06T07:59:00", "position.naive_time"),
        ("lat=0.0&lon=0.0&id=a&timestamp=1", "position.null_island"),
        ("lat=%25LAT&lon=%25LON&id=a&timestamp=1", "position.no_coordinate"),  # an unfilled template
    ],
)
def test_gpslogger_refuses_by_name(query: str, code: str) -> None:
    rejected = decode("gpslogger", query=query).rejected
    assert rejected is not None
    assert rejected.code == code


@pytest.mark.parametrize("word", ["null", "unknown", "", "None"])
def test_gpslogger_a_name_that_android_does_not_know_names_nobody(word: str) -> None:
    rejected = decode("gpslogger", query=f"lat=31.2&lon=121.4&timestamp={TST}&aid={word}&ser={word}").rejected
    assert rejected is not None
    assert rejected.code == "position.no_identity"
    assert only(decode("gpslogger", query=f"lat=31.2&lon=121.4&timestamp={TST}&aid={word}&ser=R5")).device == "R5"


def test_gpslogger_without_place_is_ignored() -> None:
    assert decode("gpslogger", query="batt=7").ignored == "gpslogger.no_location"


# --- Our own page ---------------------------------------------------------------------------------------------------


def test_mobile_form() -> None:
    fix = {
        "time": "2024-05-06T07:59:00Z",
        "lat": 31.2304,
        "lon": 121.4737,
        "accuracy_m": 12.5,
        "altitude_m": None,
        "speed_mps": 0,
        "heading_deg": None,
        "battery_pct": 55,
        "charging": False,
        "mock": False,
        "source": "gps",
        "extras": {"page": "check-in"},
    }
    bad = {**fix, "lat": 0, "lon": 0}
    other = {"time": TST * 1000, "lat": 31.0, "lon": 121.0, "datum": "GCJ-02", "device": "second"}
    wrong = {**fix, "datum": "mars"}
    decoded = decode("mobile", {"device": "page-1", "datum": "wgs84", "positions": [fix, bad, other, wrong]})
    first, second = decoded.positions
    assert (first.device, first.mock, first.speed_mps, first.altitude_m) == ("page-1", False, 0.0, None)
    assert (second.device, second.datum, second.time, second.mock) == ("second", Datum.GCJ02, FIXED, None)
    assert [problem.code for problem in decoded.problems] == ["position.null_island", "position.unknown_datum"]
    assert json.loads(decoded.reply) == {
        "result": "ok",
        "taken": 2,
        "refused": [
            {"at": "positions[1]", "code": "position.null_island"},
            {"at": "positions[3]", "code": "position.unknown_datum"},
        ],
    }


def test_mobile_takes_a_single_position() -> None:
    body = {"device": "d", "time": "2024-05-06T07:59:00Z", "lat": 31.2, "lon": 121.4}
    assert only(decode("mobile", body)).device == "d"


# --- Datums, terms --------------------------------------------------------------------------------------------------


@pytest.mark.req("A2")
def test_the_datum_is_configured_per_source_never_guessed() -> None:
    settings = PhonesSettings(datums={"osmand": "gcj02"})
    assert only(decode("osmand", query=QUERY, settings=settings)).datum is Datum.GCJ02
    assert only(decode("osmand", query=QUERY, settings=settings, options={"datum": "bd09"})).datum is Datum.BD09
    assert only(owntracks(settings=settings)).datum is Datum.WGS84
    wrong = decode("osmand", query=QUERY, options={"datum": "mars"}).rejected
    assert wrong is not None
    assert "FHR-REC-003" in wrong.message


def test_a_wrong_zone_is_named_and_clears_no_queue() -> None:
    decoded = decode("overland", {"locations": [overland_feature()]}, options={"zone": "Mars/Olympus"})
    assert decoded.rejected is not None
    assert decoded.rejected.code == "payload.wrong_option"
    assert "FHR-CFG-001" in decoded.rejected.message
    assert decoded.reply == b""


def test_without_an_arrival_the_bound_may_be_given() -> None:
    late = {"latest": FIXED}
    assert only(owntracks(received=None, options=late)).received is None
    rejected = owntracks({"tst": TST + 1}, received=None, options=late).rejected
    assert rejected is not None
    assert rejected.code == "position.impossible_time"


def test_every_envelope_of_a_batch_is_answered_in_order() -> None:
    bodies = [json.dumps(ANDROID).encode(), b"", b"{", json.dumps({**ANDROID, "lat": 5}).encode()]
    decoded = decoder("owntracks").decode([Envelope(source="owntracks", body=body) for body in bodies])
    assert [len(one.positions) for one in decoded] == [1, 0, 0, 1]
    assert decoded[3].positions[0].lat == 5


def test_the_plugin_offers_every_source() -> None:
    import fieldhr_plugins.phones as plugin
    from fieldhr_core.hooks import RegistrationContext
    from fieldhr_plugins.phones.sources import FILES

    offers = list(plugin.fieldhr_register_locators(RegistrationContext()))
    assert [offer.name for offer in offers] == [*APPS, *FILES]
    assert {offer.role for offer in offers} == {"decode"}
    for offer in offers:
        assert list(offer.make(None).decode([])) == []
        [answer] = offer.make(PhonesSettings()).decode([Envelope(source=offer.name)])
        assert answer.ignored or answer.rejected


def test_the_newer_client_is_read_at_the_address_of_the_older() -> None:
    stamp = FIXED.isoformat().replace("+00:00", "Z")
    body = {
        "location": {"timestamp": stamp, "coords": {"latitude": 31.2, "longitude": 121.4, "accuracy": 8, "speed": -1}},
        "device_id": "77",
    }
    position = only(decode("osmand", body))
    assert (position.lat, position.lon, position.time, position.speed_mps) == (31.2, 121.4, FIXED, None)
    assert position == only(decode("traccar", body))


@pytest.mark.req("A1")
@pytest.mark.parametrize(
    ("wrap", "headers"),
    [
        (gzip.compress, {}),
        (gzip.compress, {"content-encoding": "gzip"}),
        (zlib.compress, {"content-encoding": "deflate"}),
        (lambda body: body, {"content-encoding": "gzip"}),  # unpacked on the way, the header left standing
        (lambda body: body + b"\0\0", {}),
        (lambda body: codecs.BOM_UTF8 + body, {}),
        (lambda body: gzip.compress(codecs.BOM_UTF8 + body + b"\0"), {}),
    ],
)
@pytest.mark.parametrize("source", ["owntracks", "traccar", "overland", "gpslogger", "mobile"])
def test_what_is_put_round_a_payload_on_the_way_is_taken_off(source: str, wrap: Any, headers: dict[str, str]) -> None:
    time = "2024-05-06T07:59:00Z"
    feature = {"geometry": {"coordinates": [121.4, 31.2]}, "properties": {"timestamp": time, "device_id": "d"}}
    bodies: dict[str, Any] = {
        "owntracks": {"_type": "location", "tst": TST, "lat": 31.2, "lon": 121.4, "tid": "d"},
        "traccar": {
            "device_id": "d",
            "location": {"timestamp": time, "coords": {"latitude": 31.2, "longitude": 121.4}},
        },
        "overland": {"locations": [feature]},
        "gpslogger": {"lat": 31.2, "lon": 121.4, "time": time, "device": "d"},
        "mobile": {"device": "d", "time": time, "lat": 31.2, "lon": 121.4},
    }
    position = only(decode(source, wrap(json.dumps(bodies[source]).encode()), headers=headers))
    assert (position.device, position.lat, position.lon) == ("d", 31.2, 121.4)


@pytest.mark.parametrize("source", ["owntracks", "overland"])
def test_a_packed_payload_that_was_cut_off_is_refused_and_kept_by_the_app(source: str) -> None:
    for body in (gzip.compress(b"[]" * 500)[:-9], b"\x1f\x8b rubbish"):
        decoded = decode(source, body)
        assert decoded.rejected is not None
        assert (decoded.rejected.code, decoded.reply) == ("payload.not_packed", b"")
    bomb = decode(source, gzip.compress(b" " * 70_000_000, compresslevel=1)).rejected
    assert bomb is not None
    assert bomb.code == "payload.too_large"


@pytest.mark.req("A1")
def test_lists_of_messages_are_read_one_by_one() -> None:
    later = {**ANDROID, "tst": TST + 30}
    decoded = decode(
        "owntracks", [ANDROID, later, {"_type": "lwt", "tst": TST}, 5], headers={"x-limit-u": "j", "x-limit-d": "p"}
    )
    assert [position.device for position in decoded.positions] == ["j/p", "j/p"]
    assert [problem.code for problem in decoded.problems] == ["position.not_a_message", "payload.lwt"]
    assert decode("owntracks", [{"_type": "card"}]).ignored == "owntracks.no_location"
    logged = {"lat": 31.2, "lon": 121.4, "timestamp": TST, "ser": "R5"}
    found = decode("gpslogger", [logged, {**logged, "lat": 0, "lon": 0}, 5])
    assert [position.device for position in found.positions] == ["R5"]
    assert [problem.code for problem in found.problems] == ["position.null_island", "position.no_coordinate"]


def test_parameters_may_be_spread_over_address_and_form() -> None:
    form = f"lat=31.2&lon=121.4&timestamp={TST}&speed=10"
    position = only(decode("osmand", form, query="id=7"))
    assert (position.device, position.speed_mps) == ("7", pytest.approx(5.144, abs=1e-3))
    assert only(decode("gpslogger", form, query="ser=R5")).device == "R5"


@pytest.mark.req("A1")
def test_traccar_flat_objects_have_the_units_of_the_older_protocol() -> None:
    """As HttpUploader of traccar-client-sdk writes them: a list, speed in knots, percent, no mock flag."""
    flat = {
        "id": "658765", "lat": 31.2304, "lon": 121.4737, "timestamp": TST, "accuracy": 4.5, "altitude": 12.0,
        "speed": 19.44, "bearing": 90.0, "batt": 87, "charge": False, "battery_health": "good", "battery_voltage": 4100,
    }  # fmt: skip
    alarm = {"id": "658765", "timestamp": TST, "alarm": "sos"}
    decoded = decode("traccar", [flat, {**flat, "lat": 0.0, "lon": 0.0}, alarm, {**flat, "timestamp": TST + 5}])
    first, second = decoded.positions
    assert (first.device, first.accuracy_m, first.altitude_m) == ("658765", 4.5, 12.0)
    assert first.speed_mps == pytest.approx(10.0, abs=0.01)
    assert (first.heading_deg, first.battery_pct, first.charging, first.mock) == (90.0, 87.0, False, None)
    assert first.extras == {"battery_health": "good", "battery_voltage": 4100}
    assert (second.time - first.time).total_seconds() == 5
    assert [problem.code for problem in decoded.problems] == ["position.null_island"]
    assert decode("traccar", [alarm]).ignored == "traccar.no_location"
    assert only(decode("osmand", flat)).speed_mps == first.speed_mps
