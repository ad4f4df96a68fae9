from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fieldhr_core.errors import ConfigError, RecordError
from fieldhr_core.model import Datum, Decoded, Envelope
from fieldhr_plugins.phones.files import format_of, read_file
from fieldhr_plugins.phones.sources import decoder

pytestmark = pytest.mark.req("A1")

FIXED = datetime(2024, 5, 6, 7, 59, tzinfo=UTC)


def decode(source: str, body: bytes | str, **options: Any) -> Decoded:
    data = body.encode() if isinstance(body, str) else body
    [decoded] = decoder(source).decode([Envelope(source=source, body=data, name=f"track.{source}", options=options)])
    assert bool(decoded.positions) + bool(decoded.ignored) + bool(decoded.rejected) == 1
    return decoded


def codes(decoded: Decoded) -> dict[str, int]:
    problems = [*([decoded.rejected] if decoded.rejected else []), *decoded.problems]
    return dict(Counter(problem.code for problem in problems))


# --- GPX ------------------------------------------------------------------------------------------------------------

POINT = '<trkpt lat="31.2304" lon="121.4737"><ele>12.5</ele><time>2024-05-06T07:59:00Z</time></trkpt>'


def gpx(*points: str, head: str = '<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1">') -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{head}<trk><trkseg>\n' + "\n".join(points) + "\n</trkseg></trk></gpx>"
    )


@pytest.mark.parametrize(
    "head",
    [
        '<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1">',
        '<gpx version="1.0" xmlns="http://www.topografix.com/GPX/1/0">',
        "<gpx>",
        '<gpx xmlns:gpxtpx="http://www.garmin.com/xmlschemas/TrackPointExtension/v1" creator="undeclared prefixes too">',
    ],
)
def test_gpx_of_every_version(head: str) -> None:
    [position] = decode("gpx", gpx(POINT, head=head)).positions
    assert (position.lat, position.lon, position.altitude_m, position.time) == (31.2304, 121.4737, 12.5, FIXED)
    assert (position.datum, position.device, position.accuracy_m) == (Datum.WGS84, "track.gpx", None)


def test_gpx_with_a_prefix_on_every_name() -> None:
    body = gpx(POINT).replace("<", "<g:").replace("<g:/", "</g:").replace("<g:?", "<?")
    assert len(decode("gpx", body).positions) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + gpx(POINT).encode(),
        b"\xef\xbb\xbf\xef\xbb\xbf" + gpx(POINT).encode(),
        b"\n \n" + gpx(POINT).encode(),
        gpx(POINT).replace("UTF-8", "UTF-16").encode("utf-16"),
        gpx(POINT, "<!-- 外勤 -->").replace("UTF-8", "GB2312").encode("gb18030"),
        gpx(POINT, "<!-- café -->").replace("UTF-8", "windows-1252").encode("cp1252"),
        gpx(POINT).replace("UTF-8", "no-such-thing").encode(),
        gpx(POINT).encode() + b"\0\0\0",
    ],
)
def test_gpx_in_every_encoding(body: bytes) -> None:
    decoded = decode("gpx", body)
    assert len(decoded.positions) == 1
    assert codes(decoded) == {}


def test_gpx_extensions_of_garmin_osmand_and_gpx_1_0() -> None:
    garmin = POINT.replace(
        "</trkpt>",
        "<extensions><gpxtpx:TrackPointExtension><gpxtpx:speed>2.5</gpxtpx:speed><gpxtpx:course>90</gpxtpx:course>"
        "<gpxtpx:time>1999-01-01T00:00:00Z</gpxtpx:time><gpxtpx:ele>9000</gpxtpx:ele>"
        "</gpxtpx:TrackPointExtension></extensions></trkpt>",
    )
    osmand = POINT.replace("</trkpt>", "<hdop>1.4</hdop><extensions><accuracy>8.5</accuracy></extensions></trkpt>")
    old = POINT.replace("</trkpt>", "<course>10.5</course><speed>1.2</speed><src>gps</src><sat>7</sat></trkpt>")
    first, second, third = decode("gpx", gpx(garmin, osmand, old)).positions
    assert (first.speed_mps, first.heading_deg, first.altitude_m, first.time) == (2.5, 90, 12.5, FIXED)
    assert (second.accuracy_m, second.extras) == (8.5, {"hdop": "1.4"})  # hdop is no distance
    assert (third.speed_mps, third.heading_deg, third.source, third.extras) == (1.2, 10.5, "gps", {"sat": "7"})


def test_gpx_several_tracks_segments_and_what_is_no_track() -> None:
    body = (
        '<gpx><metadata><time>2020-01-01T00:00:00Z</time></metadata><wpt lat="1" lon="2"><time>2024-05-06T07:00:00Z</time>'
        '</wpt><rte><rtept lat="3" lon="4"/></rte>'
        f"<trk><name>a &amp; b</name><trkseg>{POINT}</trkseg><trkseg/><trkseg>{POINT}</trkseg></trk>"
        f"<trk><trkseg>{POINT}{POINT}</trkseg></trk></gpx>"
    )
    decoded = decode("gpx", body)
    assert len(decoded.positions) == 4  # duplicates are the store's to see
    assert codes(decoded) == {}
    assert decode("gpx", '<gpx><wpt lat="1" lon="2"/></gpx>').ignored == "file.no_track_points"


def test_gpx_points_that_are_not_whole() -> None:
    points = [
        POINT,
        POINT.replace("<time>2024-05-06T07:59:00Z</time>", ""),
        POINT.replace("2024-05-06T07:59:00Z", ""),
        POINT.replace("2024", "1970"),
        POINT.replace("2024-05-06T07:59:00Z", "1901-12-13T20:45:52.2073437Z"),
        POINT.replace('lat="31.2304"', ""),
        POINT.replace("31.2304", "NaN"),
        POINT.replace("31.2304", "131.2304"),
        POINT.replace("31.2304", "0.0").replace("121.4737", "0"),
        POINT.replace("31.2304", "9.1697e-05").replace("121.4737", "7.58978E-3"),
        POINT.replace("12.5", "-32768"),
    ]
    decoded = decode("gpx", gpx(*points))
    assert [(p.lat, p.altitude_m) for p in decoded.positions] == [(31.2304, 12.5), (9.1697e-05, 12.5), (31.2304, None)]
    assert codes(decoded) == {
        "position.no_time": 2,
        "position.impossible_time": 2,
        "position.no_coordinate": 2,
        "position.out_of_range": 1,
        "position.null_island": 1,
    }
    assert decoded.problems[0].at == "point 2"


def test_gpx_without_any_time_says_so_for_each_point() -> None:
    decoded = decode("gpx", gpx(*["<trkpt lat='1' lon='2'/>"] * 50))
    assert codes(decoded) == {"position.no_time": 50}
    assert decoded.rejected is not None


def test_gpx_times_without_zone_are_utc_and_noted() -> None:
    naive = POINT.replace("07:59:00Z", "07:59:00.250")
    decoded = decode("gpx", gpx(naive, naive))
    assert decoded.positions[0].time == FIXED.replace(microsecond=250_000)
    assert codes(decoded) == {"file.time_without_zone": 1}
    assert "2 times" in decoded.problems[0].message
    stated = decode("gpx", gpx(naive), zone="Asia/Shanghai")
    assert stated.positions[0].time == datetime(2024, 5, 5, 23, 59, 0, 250_000, tzinfo=UTC)
    assert codes(stated) == {}


@pytest.mark.parametrize(
    "written",
    [
        "2024-05-06T15:59:00+08:00",
        "2024-05-06T15:59:00+0800",
        "2024-05-06 07:59:00Z",
        "2024-05-06T07:59:00.000Z",
        "2024-05-06T07:59:00,000000000Z",
        "2024-05-06t07:59:00z".upper(),
        "20240506T075900Z",
        "2024-05-06T07:59Z",
        "2024-05-05T21:29:00-10:30",
        "\n 2024-05-06T07:59:00Z \n",
        "1714982340",
    ],
)
def test_gpx_ways_to_write_one_instant(written: str) -> None:
    assert decode("gpx", gpx(POINT.replace("2024-05-06T07:59:00Z", written))).positions[0].time == FIXED


@pytest.mark.parametrize("cut", [20, 60, 100, 101, 150, 195])
def test_gpx_cut_off_keeps_what_is_whole(cut: int) -> None:
    whole = gpx(POINT, POINT, POINT)
    start = whole.index(POINT) + len(POINT) + 1
    body = whole[: start + cut]
    decoded = decode("gpx", body)
    assert len(decoded.positions) == body.count("</trkpt>")
    assert sum(codes(decoded).values()) == 1
    assert set(codes(decoded)) <= {"position.broken", "file.broken"}


def test_gpx_goes_on_after_damage() -> None:
    damaged = POINT.replace("<ele>12.5</ele>", "<ele>12.5<el")
    decoded = decode("gpx", gpx(POINT, damaged, POINT, "<desc>rubbish < here</desc>", POINT))
    assert len(decoded.positions) == 3
    assert codes(decoded) == {"position.broken": 1, "file.broken": 1}
    assert decoded.problems[0].at == "line 4"
    assert decode("gpx", gpx(POINT, "<name>A & B \x01 &nbsp;</name>", POINT)).problems == ()


def test_gpx_two_files_in_one() -> None:
    decoded = decode("gpx", gpx(POINT) + gpx(POINT))
    assert len(decoded.positions) == 2


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "file.empty"),
        (" \n", "file.empty"),
        ("hello", "file.not_the_format"),
        ("<kml></kml>", "file.not_the_format"),
        ("PK\x03\x04 zip", "file.not_the_format"),
        ('<!DOCTYPE gpx [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><gpx><trk>&b;</trk></gpx>', "file.document_type"),
        ('<!DOCTYPE gpx SYSTEM "file:///etc/passwd"><gpx/>', "file.document_type"),
    ],
)
def test_gpx_that_is_none(body: str, code: str) -> None:
    decoded = decode("gpx", body)
    assert decoded.rejected is not None
    assert decoded.rejected.code == code


def test_gpx_nested_deeply_and_wide() -> None:
    assert decode("gpx", "<gpx>" + "<a>" * 50_000).ignored == "file.no_track_points"
    assert len(decode("gpx", gpx(*[POINT] * 5000)).positions) == 5000


# --- KML ------------------------------------------------------------------------------------------------------------


def test_kml_tracks_and_stamped_points() -> None:
    body = """<kml xmlns="http://www.opengis.net/kml/2.2" xmlns:gx="http://www.google.com/kml/ext/2.2"><Document>
      <Placemark><gx:Track><when>2024-05-06T07:59:00Z</when><when>2024-05-06T08:00:00Z</when>
      <gx:coord>121.4737 31.2304 12.5</gx:coord><gx:coord>0 0 0</gx:coord></gx:Track></Placemark>
      <Placemark><TimeStamp><when>2024-05-06T07:59:00Z</when></TimeStamp>
      <Point><coordinates>121.5,31.3,0</coordinates></Point></Placemark>
      <Placemark><LineString><coordinates>1,2 3,4</coordinates></LineString></Placemark></Document></kml>"""
    decoded = decode("kml", body)
    assert [(p.lat, p.lon) for p in decoded.positions] == [(31.2304, 121.4737), (31.3, 121.5)]
    assert codes(decoded) == {"position.null_island": 1}


# --- GeoJSON --------------------------------------------------------------------------------------------------------


def test_geojson_points_and_lines() -> None:
    collection = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [121.4737, 31.2304, 9]},
                "properties": {"time": "2024-05-06T07:59:00Z", "accuracy": 11, "speed": 1.5, "device": "d"},
            },
            {
                "type": "Feature",
                "geometry": {"type": "LineString", "coordinates": [[1, 2], [3, 4], [5, 6]]},
                "properties": {"coordTimes": ["2024-05-06T07:59:00Z", "2024-05-06T15:59:00"]},
            },
            {
                "type": "Feature",
                "geometry": {"type": "MultiLineString", "coordinates": [[[1, 2]], [[3, 4]]]},
                "properties": {"coordTimes": [["2024-05-06T07:59:00Z"], [1714982340]]},
            },
            {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [2, 0]]]}},
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [181, 1]},
                "properties": {"time": 1714982340},
            },
            {"type": "Feature", "geometry": None, "properties": None},
        ],
    }
    decoded = decode("geojson", json.dumps(collection))
    first = decoded.positions[0]
    assert (first.lat, first.lon, first.altitude_m, first.accuracy_m, first.speed_mps) == (
        31.2304,
        121.4737,
        9,
        11,
        1.5,
    )
    assert (first.device, first.datum, first.time) == ("d", Datum.WGS84, FIXED)
    assert [(p.lat, p.lon) for p in decoded.positions[1:]] == [(2, 1), (2, 1), (4, 3)]
    assert codes(decoded) == {"position.naive_time": 1, "position.no_time": 1, "position.out_of_range": 1}


def test_geojson_that_is_none() -> None:
    for body, code in (
        ("", "file.empty"),
        ("{}", "file.not_the_format"),
        ("[1]", "file.not_the_format"),
        ("{", "payload.not_json"),
        ('{"type":"FeatureCollection","crs":{"properties":{"name":"urn:ogc:def:crs:EPSG::3857"}}}', "file.other_crs"),
    ):
        assert codes(decode("geojson", body)) == {code: 1}
    crs = '{"type":"FeatureCollection","features":[],"crs":{"properties":{"name":"urn:ogc:def:crs:OGC:1.3:CRS84"}}}'
    assert decode("geojson", crs).ignored == "file.no_points"


# --- CSV ------------------------------------------------------------------------------------------------------------

ROW = "31.2304,121.4737,2024-05-06T07:59:00Z"


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (f"lat,lon,time\n{ROW}", {}),
        (f"Latitude,Longitude,Timestamp\r\n{ROW}\r\n", {}),
        (f"\ufefflat,lng,time\n{ROW}", {}),
        ("纬度,经度,时间\n31.2304,121.4737,2024-05-06 15:59:00", {"zone": "Asia/Shanghai"}),
        ("纬度（°）;经度（°）;定位时间\n31,2304;121,4737;2024年5月6日 15时59分00秒", {"zone": "Asia/Shanghai"}),
        ('lat,lon,time\n"31,2304","121,4737",1714982340', {}),
        ("lat\tlon\ttime\n31.2304\t121.4737\t1714982340000", {}),
        ("GPS_Lat|GPS_Lon|Time_UTC\n31.2304|121.4737|2024-05-06 07:59:00", {}),
        ("Exported by X\n\nlon,lat,time (utc)\n121.4737,31.2304,2024/5/6 7:59:00", {}),
        ("date,time,lat,lon\n2024-05-06,15:59:00,31.2304,121.4737", {"zone": "Asia/Shanghai"}),
        ("id,lat,lon,time\n1,31.2304,121.4737,2024-05-06T15:59:00+08:00", {}),
    ],
)
def test_csv_heads_delimiters_decimals_and_times(text: str, options: dict[str, str]) -> None:
    for encoding in ("utf-8", "gb18030", "utf-16", "utf-16-le"):
        body = text.encode(encoding) if "\ufeff" not in text else text.encode()
        decoded = decode("csv", body, datum="gcj02", **options)
        [position] = decoded.positions
        assert (position.lat, position.lon, position.time) == (31.2304, 121.4737, FIXED), encoding
        assert position.datum is Datum.GCJ02


@pytest.mark.parametrize(
    ("head", "cell", "mps"),
    [
        ("speed", "5", 5.0),
        ("speed_kmh", "18", 5.0),
        ("速度(km/h)", "18", 5.0),
        ("Speed [km/h]", "18", 5.0),
        ("speed (knots)", "9.719222", 5.0),
        ("speed_mps", "-1", None),
        ("speed", "", None),
        ("speed", "nan", None),
    ],
)
def test_csv_units_of_speed(head: str, cell: str, mps: float | None) -> None:
    [position] = decode("csv", f"lat,lon,time,{head}\n{ROW},{cell}", datum="wgs84").positions
    assert position.speed_mps == (None if mps is None else pytest.approx(mps, abs=1e-5))


def test_csv_other_columns() -> None:
    head = "lat,lon,time,accuracy_m,battery,mock,source,device,altitude,heading,charging"
    [position] = decode("csv", f"{head}\n{ROW},0,80%,true,GPS,phone-1,12.5,359,no", datum="wgs84").positions
    assert (position.accuracy_m, position.battery_pct, position.mock, position.source) == (None, 80, True, "gps")
    assert (position.device, position.altitude_m, position.heading_deg, position.charging) == (
        "phone-1",
        12.5,
        359,
        False,
    )


def test_csv_bad_rows_are_named_by_line_and_lose_nothing() -> None:
    rows = [
        ROW,
        "31.2304,121.4737,",
        "31.2304,121.4737,2024-05-06 15:59:00",
        "abc,121.4737,2024-05-06T07:59:00Z",
        "３１.２,121.4737,2024-05-06T07:59:00Z",
        "nan,inf,2024-05-06T07:59:00Z",
        "31.2304",
        "",
        "0,0,2024-05-06T07:59:00Z",
        "91,0,2024-05-06T07:59:00Z",
        "31.2304,121.4737,1970-01-01T00:00:00Z",
        "31.2304,121.4737,2024-02-30T00:00:00Z",
        ROW,
    ]
    decoded = decode("csv", "lat,lon,time\n" + "\n".join(rows), datum="wgs84")
    assert len(decoded.positions) == 2
    assert [(p.at, p.code) for p in decoded.problems] == [
        ("line 3", "position.no_time"),
        ("line 4", "position.naive_time"),
        ("line 5", "position.no_coordinate"),
        ("line 6", "position.no_coordinate"),
        ("line 7", "position.no_coordinate"),
        ("line 8", "position.no_coordinate"),
        ("line 10", "position.null_island"),
        ("line 11", "position.out_of_range"),
        ("line 12", "position.impossible_time"),
        ("line 13", "position.impossible_time"),
    ]


@pytest.mark.parametrize(
    ("broken", "taken", "lines"),
    [
        ('"never closed,31.2,121.4', 3, ["line 3"]),
        ('31.2,121.4,"1714982340', 4, []),
        ('"a" b,31.2,121.4\n"c,1,2', 3, ["line 3", "line 4"]),
    ],
)
def test_csv_an_open_quote_costs_its_own_line_only(broken: str, taken: int, lines: list[str]) -> None:
    rows = f"lat,lon,time\n{ROW}\n{broken}\n{ROW}\n{ROW}"
    decoded = decode("csv", rows, datum="wgs84")
    assert len(decoded.positions) == taken
    assert [problem.at for problem in decoded.problems] == lines


def test_csv_a_cell_may_hold_line_breaks() -> None:
    rows = f'lat,lon,time,note\n{ROW},"first\nsecond, still a ""note""\nthird"\n{ROW},plain'
    decoded = decode("csv", rows, datum="wgs84")
    assert len(decoded.positions) == 2
    assert not decoded.problems


def test_csv_many_open_quotes_are_read_in_reasonable_time() -> None:
    rows = "lat,lon,time\n" + '"x,31.2,121.4\n' * 20_000 + ROW
    decoded = decode("csv", rows, datum="wgs84")
    assert len(decoded.positions) == 1


def test_csv_swapped_columns_are_detected_not_guessed() -> None:
    swapped = "lat,lon,time\n121.4737,31.2304,1714982340\n89.9,31.0,1714982400\n121.5,31.3,1714982460"
    decoded = decode("csv", swapped, datum="wgs84")
    assert codes(decoded) == {"position.swapped_columns": 3}
    # One wrong row among right ones is only that.
    decoded = decode("csv", f"lat,lon,time\n{ROW}\n{ROW}\n{ROW}\n121.4737,31.2304,1714982340", datum="wgs84")
    assert len(decoded.positions) == 3
    assert codes(decoded) == {"position.out_of_range": 1}


def test_csv_needs_a_datum_a_head_and_a_known_encoding() -> None:
    assert codes(decode("csv", f"lat,lon,time\n{ROW}")) == {"position.no_datum": 1}
    assert codes(decode("csv", ROW, datum="wgs84")) == {"file.no_header": 1}
    assert codes(decode("csv", "", datum="wgs84")) == {"file.empty": 1}
    assert codes(decode("csv", b"lat,lon\n\xff\xff\xff", datum="wgs84")) == {"file.unknown_encoding": 1}
    assert decode("csv", "lat,lon,time\n\n", datum="wgs84").ignored == "file.no_rows"
    assert codes(decode("csv", f"lat,lon,time\n{'x' * 200_000},1,2\n{ROW}", datum="wgs84")) == {
        "position.no_coordinate": 1
    }


@pytest.mark.req("A9")
def test_wall_times_at_changes_of_clocks_are_refused_not_guessed() -> None:
    walls = [
        "2024-03-31 02:30:00",
        "2024-03-31 01:59:59",
        "2024-03-31 03:00:00",
        "2024-10-27 02:30:00",
        "2024-10-27 03:00:00",
    ]
    body = "lat,lon,time\n" + "\n".join(f"51.5,7,{wall}" for wall in walls)
    decoded = decode("csv", body, datum="wgs84", zone="Europe/Berlin")
    assert [p.time for p in decoded.positions] == [
        datetime(2024, 3, 31, 0, 59, 59, tzinfo=UTC),
        datetime(2024, 3, 31, 1, 0, tzinfo=UTC),
        datetime(2024, 10, 27, 2, 0, tzinfo=UTC),
    ]
    assert codes(decoded) == {"position.nonexistent_time": 1, "position.ambiguous_time": 1}


# --- PLT ------------------------------------------------------------------------------------------------------------

PLT = "Geolife trajectory\nWGS 84\nAltitude is in Feet\nReserved 3\n0,2,255,My Track,0,0,2,8421376\n0\n"


def test_plt_feet_and_gmt() -> None:
    rows = "31.2304,121.4737,0,492,45418.3326388889,2024-05-06,07:59:00\n31.2304,121.4737,0,-777,45418.3,2024-05-06,07:59:00\n"
    first, second = decode("plt", PLT + rows).positions
    assert (first.lat, first.lon, first.time, first.datum) == (31.2304, 121.4737, FIXED, Datum.WGS84)
    assert first.altitude_m == pytest.approx(149.9616)
    assert second.altitude_m is None


def test_plt_days_where_the_date_is_in_words() -> None:
    row = "31.2304,121.4737,1,-777,45418.3326388889,06-Mai-24, 9:59:00"
    assert decode("plt", PLT + row).positions[0].time == FIXED


def test_plt_bad_lines_and_files() -> None:
    decoded = decode("plt", PLT + "0,0,0,0,45418.3,2024-05-06,07:59:00\nx\n31,121,0,0,0,1970-01-01,00:00:00\n")
    assert codes(decoded) == {"position.null_island": 1, "position.no_coordinate": 1, "position.impossible_time": 1}
    assert codes(decode("plt", PLT.replace("WGS 84", "European 1950"))) == {"file.other_datum": 1}
    assert codes(decode("plt", "")) == {"file.empty": 1}
    assert codes(decode("plt", "a,b\nc")) == {"file.not_the_format": 1}
    assert decode("plt", PLT).ignored == "file.no_track_points"


# --- .rec -----------------------------------------------------------------------------------------------------------


def test_rec_lines_of_the_recorder() -> None:
    message = {
        "_type": "location",
        "lat": 31.2304,
        "lon": 121.4737,
        "tst": 1714982340,
        "vel": 36,
        "acc": 9,
        "tid": "lw",
    }
    lines = [
        f"2024-05-06T07:59:00Z\t*                 \t{json.dumps(message)}",
        '2024-05-06T07:59:10Z\tlwt               \t{"_type":"lwt","tst":1714982350}',
        f"2024-05-06T07:59:20Z\t*                 \t{json.dumps({**message, 'lat': 0, 'lon': 0})}",
        "2024-05-06T07:59:30Z\t*                 \t{broken",
        "",
    ]
    decoded = decode("rec", "\n".join(lines), device="li.wei/pixel")
    [position] = decoded.positions
    assert (position.device, position.time, position.speed_mps, position.accuracy_m) == ("li.wei/pixel", FIXED, 10.0, 9)
    assert [(p.at, p.code) for p in decoded.problems] == [
        ("line 3", "position.null_island"),
        ("line 4", "position.not_a_message"),
    ]
    sealed = '2024-05-06T07:59:00Z\t*\t{"_type":"encrypted","data":"AAAA"}'
    assert codes(decode("rec", sealed)) == {"position.no_key": 1}
    assert codes(decode("rec", "nothing\nof it")) == {"file.not_the_format": 1}
    assert codes(decode("rec", "")) == {"file.empty": 1}


# --- From disk ------------------------------------------------------------------------------------------------------


def test_files_by_their_ending(tmp_path: Path) -> None:
    for name, found in (
        ("a.GPX", "gpx"),
        ("a.json", "geojson"),
        ("a.tsv", "csv"),
        ("2024-05.rec", "rec"),
        ("a.kml", "kml"),
    ):
        assert format_of(tmp_path / name) == found
    assert format_of(tmp_path / "a.dat", "plt") == "plt"
    with pytest.raises(RecordError, match="FHR-REC-006"):
        format_of(tmp_path / "a.dat")
    path = tmp_path / "track.gpx"
    path.write_text(gpx(POINT))
    assert len(read_file(path).positions) == 1
    assert read_file(path, datum="GCJ-02").positions[0].datum is Datum.GCJ02


@pytest.mark.req("A2")
def test_files_that_cannot_be_read_say_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "track.csv"
    with pytest.raises(RecordError, match="FHR-REC-006"):
        read_file(path)
    with pytest.raises(RecordError, match="FHR-REC-006"):
        read_file(tmp_path, stated="gpx")
    path.write_text(f"lat,lon,time\n{ROW}")
    with pytest.raises(RecordError, match="FHR-REC-003") as caught:
        read_file(path)
    assert "--datum" in caught.value.hint
    with pytest.raises(RecordError, match="FHR-REC-003"):
        read_file(path, datum="mars")
    with pytest.raises(ConfigError, match="FHR-CFG-001"):
        read_file(path, datum="wgs84", zone="Nowhere")
    path.write_text("")
    with pytest.raises(RecordError, match=r"file\.empty") as caught:
        read_file(path, datum="wgs84")
    assert caught.value.where["reason"] == "file.empty"


@pytest.mark.req("A1")
@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Breite;Länge;Zeit\n31,2;121,4;2024-05-06 15:59:00", "cp1252"),
        ("широта;долгота;время\n31,2;121,4;2024-05-06 15:59:00", "utf-8"),
        ("latitud;longitud;fecha;hora\n31,2;121,4;2024-05-06;15:59:00", "utf-8"),
        ("緯度,経度,日時\n31.2,121.4,2024/05/06 15:59", "utf-8"),
        ("lat,N/S,lon,E/W,time\n31.2,N,121.4,E,1714982340", "utf-8"),
    ],
)
def test_csv_heads_in_other_languages(text: str, encoding: str) -> None:
    [position] = decode("csv", text.encode(encoding), datum="wgs84", zone="Asia/Shanghai").positions
    assert (position.lat, position.lon) == (31.2, 121.4)
    assert position.time == datetime(2024, 5, 6, 7, 59, tzinfo=UTC)


def test_csv_no_unit_and_no_side_of_the_equator_is_guessed() -> None:
    text = "lat,N/S,lon,time,speed (mph),altitude (ft),accuracy (m)\n31.2,S,121.4,1714982340,60,300,5\n31.2,?,121.4,1714982340,,,"
    decoded = decode("csv", text.encode(), datum="wgs84")
    [position] = decoded.positions
    assert (position.lat, position.speed_mps, position.altitude_m, position.accuracy_m) == (-31.2, None, None, 5.0)
    assert [problem.code for problem in decoded.problems] == ["position.no_coordinate"]
