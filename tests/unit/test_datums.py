from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldhr_core.errors import RecordError
from fieldhr_core.model.datums import MAINLAND, convert, from_wgs84, in_mainland, one_datum, to_wgs84
from fieldhr_core.model.geo import Datum, distance_m

pytestmark = pytest.mark.req("A2")

#: City centres to a hundredth of a degree; general knowledge.
INSIDE = {
    "Beijing": (39.90, 116.40),
    "Tianjin": (39.13, 117.20),
    "Shijiazhuang": (38.04, 114.51),
    "Taiyuan": (37.87, 112.55),
    "Hohhot": (40.84, 111.75),
    "Shenyang": (41.80, 123.43),
    "Changchun": (43.82, 125.32),
    "Harbin": (45.80, 126.53),
    "Shanghai": (31.23, 121.47),
    "Nanjing": (32.06, 118.80),
    "Hangzhou": (30.27, 120.15),
    "Hefei": (31.82, 117.23),
    "Fuzhou": (26.07, 119.30),
    "Nanchang": (28.68, 115.86),
    "Jinan": (36.65, 117.12),
    "Zhengzhou": (34.75, 113.62),
    "Wuhan": (30.59, 114.30),
    "Changsha": (28.23, 112.94),
    "Guangzhou": (23.13, 113.26),
    "Nanning": (22.82, 108.37),
    "Haikou": (20.04, 110.20),
    "Chongqing": (29.56, 106.55),
    "Chengdu": (30.57, 104.07),
    "Guiyang": (26.65, 106.63),
    "Kunming": (25.04, 102.71),
    "Lhasa": (29.65, 91.14),
    "Xi'an": (34.34, 108.94),
    "Lanzhou": (36.06, 103.83),
    "Xining": (36.62, 101.78),
    "Yinchuan": (38.49, 106.23),
    "Urumqi": (43.83, 87.62),
    # Cities that stand at a border or on the coast.
    "Shenzhen Luohu": (22.548, 114.13),
    "Shenzhen Futian": (22.54, 114.06),
    "Shenzhen Shekou": (22.49, 113.92),
    "Shenzhen Yantian": (22.56, 114.24),
    "Dapeng": (22.59, 114.48),
    "Zhuhai Gongbei": (22.222, 113.55),
    "Zhuhai Hengqin": (22.13, 113.52),
    "Dandong": (40.13, 124.38),
    "Ji'an": (41.13, 126.18),
    "Linjiang": (41.81, 126.92),
    "Changbai": (41.42, 128.20),
    "Tumen": (42.97, 129.84),
    "Yanji": (42.91, 129.51),
    "Hunchun": (42.86, 130.37),
    "Suifenhe": (44.40, 131.15),
    "Hulin": (45.76, 132.98),
    "Raohe": (46.80, 134.00),
    "Fuyuan": (48.36, 134.29),
    "Tongjiang": (47.64, 132.51),
    "Heihe": (50.245, 127.50),
    "Huma": (51.73, 126.65),
    "Mohe": (52.97, 122.54),
    "Beiji village": (53.47, 122.36),
    "Manzhouli": (49.59, 117.38),
    "Erenhot": (43.65, 111.98),
    "Altay": (47.84, 88.13),
    "Tacheng": (46.75, 82.98),
    "Alashankou": (45.17, 82.57),
    "Khorgas": (44.21, 80.41),
    "Yining": (43.91, 81.32),
    "Kashgar": (39.47, 75.99),
    "Tashkurgan": (37.77, 75.23),
    "Gar": (32.50, 80.10),
    "Burang": (30.29, 81.18),
    "Kyirong": (28.85, 85.30),
    "Zhangmu": (27.99, 85.98),
    "Yadong": (27.49, 88.91),
    "Cona": (27.99, 91.96),
    "Zayu": (28.66, 97.47),
    "Pianma": (26.01, 98.63),
    "Tengchong": (25.02, 98.49),
    "Ruili": (24.01, 97.85),
    "Wanding": (24.085, 98.07),
    "Mengla": (21.46, 101.56),
    "Mohan": (21.19, 101.69),
    "Hekou": (22.53, 103.96),
    "Pingxiang": (22.10, 106.76),
    "Dongxing": (21.545, 107.97),
    "Sanya": (18.25, 109.51),
    "Xiamen": (24.48, 118.09),
    "Pingtan": (25.50, 119.79),
    "Zhoushan": (30.02, 122.11),
    "Weihai": (37.51, 122.12),
    "Dalian": (38.91, 121.60),
}

OUTSIDE = {
    "Hong Kong Central": (22.28, 114.16),
    "Hong Kong Kowloon": (22.32, 114.17),
    "Hong Kong Sheung Shui": (22.50, 114.13),
    "Hong Kong Lok Ma Chau": (22.51, 114.08),
    "Hong Kong Tuen Mun": (22.39, 113.97),
    "Hong Kong airport": (22.31, 113.92),
    "Hong Kong Sai Kung": (22.38, 114.27),
    "Macau peninsula": (22.20, 113.55),
    "Macau Taipa": (22.156, 113.56),
    "Macau Coloane": (22.12, 113.57),
    "Taipei": (25.04, 121.56),
    "Kaohsiung": (22.63, 120.30),
    "Kinmen": (24.43, 118.32),
    "Hanoi": (21.03, 105.85),
    "Lao Cai": (22.48, 103.97),
    "Mong Cai": (21.525, 107.96),
    "Dong Dang": (21.94, 106.70),
    "Vientiane": (17.97, 102.60),
    "Muse": (23.97, 97.90),
    "Myitkyina": (25.38, 97.40),
    "Ulaanbaatar": (47.92, 106.92),
    "Zamyn-Uud": (43.73, 111.90),
    "Pyongyang": (39.04, 125.76),
    "Sinuiju": (40.10, 124.40),
    "Namyang": (42.94, 129.88),
    "Vladivostok": (43.12, 131.89),
    "Khabarovsk": (48.48, 135.08),
    "Blagoveshchensk": (50.29, 127.53),
    "Zabaikalsk": (49.65, 117.33),
    "Almaty": (43.24, 76.89),
    "Zharkent": (44.17, 80.00),
    "Dostyk": (45.25, 82.48),
    "Osh": (40.51, 72.80),
    "Murghab": (38.17, 73.97),
    "Leh": (34.16, 77.58),
    "Kathmandu": (27.72, 85.32),
    "Thimphu": (27.47, 89.64),
    "Paro": (27.43, 89.42),
    "Gangtok": (27.33, 88.61),
    "Tawang": (27.59, 91.87),
    "Seoul": (37.57, 126.98),
    "Tokyo": (35.68, 139.69),
    "London": (51.51, -0.13),
    "Sydney": (-33.87, 151.21),
}


@pytest.mark.parametrize("city", INSIDE)
def test_the_polygon_holds_every_mainland_capital_and_border_city(city: str) -> None:
    assert in_mainland(*INSIDE[city]) is True


@pytest.mark.parametrize("city", OUTSIDE)
def test_nothing_outside_the_mainland_is_moved(city: str) -> None:
    place = OUTSIDE[city]
    assert in_mainland(*place) is False
    for datum in Datum:
        assert from_wgs84(*place, datum) == place
        assert to_wgs84(*place, datum) == place


def test_the_usual_rectangle_would_have_moved_a_third_of_them() -> None:
    # Shows that the test above can fail: a rectangle instead of the polygon moves these.
    boxed = [name for name, (lat, lon) in OUTSIDE.items() if 0.83 < lat < 55.83 and 72.0 < lon < 137.83]
    assert len(boxed) > len(OUTSIDE) / 3


def test_published_vectors_agree() -> None:
    # GCJ-02 of (39.915, 116.404): unit tests of dromara/hutool (current) and of coordtransform_rs hold the same figures;
    # an older hutool value, 7.6 m off, does not.
    lat, lon = from_wgs84(39.915, 116.404, Datum.GCJ02)
    assert (lat, lon) == pytest.approx((39.91640428150164, 116.41024449916938), abs=1e-9)
    # Two more, each from its own implementation with another radius of the Earth, hence 1 cm: tests of the command line
    # tool geotool (Rust), and of the Python package geoToolbox.
    lat, lon = from_wgs84(30.6107779, 121.0917077, Datum.GCJ02)
    assert (lat, lon) == pytest.approx((30.608604331756705, 121.09626935575027), abs=1e-7)
    lat, lon = from_wgs84(30.6107779, 121.0917077, Datum.BD09)
    assert (lat, lon) == pytest.approx((30.61484572185035, 121.10271732371203), abs=1e-7)
    lat, lon = from_wgs84(40.0, 116.0, Datum.GCJ02)
    assert (lat, lon) == pytest.approx((40.001213650174, 116.006141221789), abs=1e-7)
    # BD-09 of GCJ-02 (39.915, 116.404): hutool and coordtransform_rs again.
    lat, lon = convert(39.915, 116.404, Datum.GCJ02, Datum.BD09)
    assert (lat, lon) == pytest.approx((39.92133699351021, 116.41036949371029), abs=1e-8)


#: Offset of GCJ-02 from WGS-84 in whole metres, measured once over city centres with an independent implementation.
OFFSETS_M = {
    "Beijing": 555,
    "Shanghai": 481,
    "Guangzhou": 621,
    "Chengdu": 363,
    "Wuhan": 586,
    "Urumqi": 265,
    "Lhasa": 341,
}


def test_offsets_of_cities_are_of_the_known_size() -> None:
    for city, known_m in OFFSETS_M.items():
        place = INSIDE[city]
        moved_m = distance_m(*place, *from_wgs84(*place, Datum.GCJ02))
        assert moved_m == pytest.approx(known_m, abs=12), city  # centres differ by a few hundred metres
    capitals = [INSIDE[city] for city in list(INSIDE)[:31]]
    moved = [distance_m(*place, *from_wgs84(*place, Datum.GCJ02)) for place in capitals]
    assert min(moved) > 170  # Xining
    assert max(moved) < 670  # Changsha
    baidu = [distance_m(*place, *from_wgs84(*place, Datum.BD09)) for place in capitals]
    assert min(baidu) > 800
    assert max(baidu) < 1450


def _mainland_points(count: int) -> tuple[np.ndarray, np.ndarray]:
    dice = np.random.default_rng(20240229)
    lat = dice.uniform(18, 53.5, count * 3)
    lon = dice.uniform(73.5, 135, count * 3)
    mask = in_mainland(lat, lon)
    return lat[mask][:count], lon[mask][:count]


@pytest.mark.parametrize(("datum", "limit_m"), [(Datum.GCJ02, 0.001), (Datum.BD09, 0.005), (Datum.WGS84, 0.0)])
def test_round_trip_over_the_mainland(datum: Datum, limit_m: float) -> None:
    lat, lon = _mainland_points(20_000)
    assert len(lat) == 20_000
    there = from_wgs84(lat, lon, datum)
    back_lat, back_lon = to_wgs84(*there, datum)
    north_m = (back_lat - lat) * 111_320
    east_m = (back_lon - lon) * 111_320 * np.cos(np.radians(lat))
    assert float(np.hypot(north_m, east_m).max()) <= limit_m
    # And from the other side: a map's coordinate survives too.
    again_lat, again_lon = from_wgs84(back_lat, back_lon, datum)
    assert float(np.hypot(again_lat - there[0], again_lon - there[1]).max()) * 111_320 <= max(limit_m, 0.001)


@given(
    st.floats(18, 53.5),
    st.floats(73.5, 135),
    st.sampled_from([Datum.GCJ02, Datum.BD09]),
)
def test_a_scalar_is_a_row_of_an_array(lat: float, lon: float, datum: Datum) -> None:
    one = from_wgs84(lat, lon, datum)
    many = from_wgs84(np.array([lat, lat]), np.array([lon, lon]), datum)
    assert isinstance(one[0], float)
    assert one == (many[0][1], many[1][1])
    if not in_mainland(lat, lon):
        assert one == (lat, lon)


def test_nan_passes_through_and_spoils_nothing() -> None:
    lat = np.array([39.915, math.nan, 22.28])
    lon = np.array([116.404, 116.404, math.nan])
    there_lat, there_lon = from_wgs84(lat, lon, Datum.GCJ02)
    assert there_lat[0] == pytest.approx(39.91640428150164)
    assert math.isnan(there_lat[1])
    assert math.isnan(there_lon[2])
    assert all(math.isnan(value) for value in to_wgs84(math.nan, math.nan, Datum.BD09))


def test_inputs_are_not_written_to() -> None:
    lat, lon = np.array([39.915]), np.array([116.404])
    for datum in Datum:
        new_lat, _ = from_wgs84(lat, lon, datum)
        new_lat[0] = 0.0
    assert lat[0] == 39.915


def test_shapes_are_kept_and_must_agree() -> None:
    lat = np.full((2, 3), 30.0)
    assert from_wgs84(lat, np.full((2, 3), 110.0), Datum.GCJ02)[0].shape == (2, 3)
    assert from_wgs84(np.array([]), np.array([]), Datum.GCJ02)[0].shape == (0,)
    with pytest.raises(RecordError, match="FHR-REC-004"):
        from_wgs84(lat, np.array([110.0]), Datum.GCJ02)


def test_gcj02_to_bd09_directly_equals_the_way_over_wgs84() -> None:
    lat, lon = _mainland_points(500)
    gcj = from_wgs84(lat, lon, Datum.GCJ02)
    direct = convert(*gcj, Datum.GCJ02, Datum.BD09)
    assert np.abs(np.subtract(direct, from_wgs84(lat, lon, Datum.BD09))).max() < 1e-9


def test_mixed_datums_raise_and_unknown_ones_too() -> None:
    assert one_datum([Datum.GCJ02, "gcj02"]) is Datum.GCJ02
    with pytest.raises(RecordError, match=r"FHR-REC-005.*gcj02 and wgs84"):
        one_datum([Datum.WGS84, Datum.GCJ02])
    with pytest.raises(RecordError, match="FHR-REC-003"):
        one_datum([])
    with pytest.raises(RecordError, match="FHR-REC-003"):
        to_wgs84(1.0, 2.0, "mars")  # type: ignore[arg-type]


def test_the_polygon_is_simple() -> None:
    # No two edges cross: a crossing would turn a strip of the country inside out.
    def side(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    edges = list(zip(MAINLAND, MAINLAND[1:] + MAINLAND[:1], strict=True))
    for i, (a, b) in enumerate(edges):
        for c, d in edges[i + 2 : len(edges) - (i == 0)]:
            crossing = side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0
            assert not crossing, (a, b, c, d)


def test_the_cells_never_change_the_answer() -> None:
    dice = np.random.default_rng(7)
    lat, lon = dice.uniform(15, 56, 60_000), dice.uniform(70, 137, 60_000)
    corners = np.array(MAINLAND)
    near = corners[dice.integers(len(corners), size=20_000)] + dice.normal(0, 0.02, (20_000, 2))
    lat, lon = np.concatenate([lat, near[:, 0]]), np.concatenate([lon, near[:, 1]])
    odd = np.zeros(len(lat), dtype=bool)
    for (lat1, lon1), (lat2, lon2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if lat1 != lat2:
            odd ^= ((lat1 > lat) != (lat2 > lat)) & (lon < lon1 + (lat - lat1) * ((lon2 - lon1) / (lat2 - lat1)))
    assert np.array_equal(in_mainland(lat, lon), odd)
