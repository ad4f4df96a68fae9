"""Invented people, firms, streets and numbers. Nothing here can be met, dialled, paid or looked up.

Identity and registration numbers have the right shape and check character (GB 11643-1999, GB 32100-2015), but an area
code of 99, which has never been issued; telephone numbers start with 100, where no mobile number does.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from fieldhr_sandbox.streams import Draw

__all__ = [
    "FORMS",
    "GIVEN",
    "RIC_WEIGHTS",
    "STREET_TAILS",
    "SURNAMES",
    "TRADES",
    "USCC",
    "USCC_WEIGHTS",
    "coined_pairs",
    "company",
    "identity_number",
    "person",
    "phone",
    "place_name",
    "registration_number",
    "street",
]

SURNAMES: Final = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅"
    "沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范"
)
GIVEN: Final = (
    "安柏宸楚初淳岱端蕃芳浩荷珩泓槐佳简锦菁景钧恺岚朗澜黎霖翎珞茗沐楠宁佩祺清冉荣睿若姗书"
    "舒硕思素汀彤薇温晞娴筱心昕轩雅砚逸盈予语园远越云泽昭臻芷竹卓"
)
_COINED: Final = "澄砚槐岑漱霁箬珧旌衍荻湛崧翊沅峤泊菀棠砥杼筠溯禾"
TRADES: Final = (
    "机械",
    "食品",
    "纺织",
    "建材",
    "物流",
    "农产品",
    "包装",
    "电子",
    "家居",
    "印务",
    "五金",
    "茶业",
    "仪表",
    "园艺",
    "苗圃",
    "冷链",
)
FORMS: Final = ("有限公司", "有限责任公司", "加工厂", "经营部", "合作社")
STREET_TAILS: Final = ("路", "街", "大道", "巷")
_PLACE_TAILS: Final[dict[str, tuple[str, ...]]] = {
    "mall": ("购物中心", "百货", "广场"),
    "restaurant": ("酒家", "面馆", "小馆", "餐厅"),
    "cafe": ("咖啡", "茶咖"),
    "teahouse": ("茶楼",),
    "gym": ("健身",),
    "fuel": ("加油站",),
    "charging": ("充电站",),
    "car_repair": ("汽修",),
    "hospital": ("医院",),
    "worship": ("寺",),
    "court": ("法庭",),
    "hotel": ("酒店",),
    "parking": ("停车场",),
    "office": ("支行",),
}
RIC_WEIGHTS: Final = tuple(pow(2, 17 - position, 11) for position in range(17))
USCC: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
USCC_WEIGHTS: Final = tuple(pow(3, position, 31) for position in range(17))


def person(draw: Draw) -> str:
    """Return a full name, surname first."""
    given = draw.pick(GIVEN) + (draw.pick(GIVEN) if draw.chance(0.8) else "")
    return draw.pick(SURNAMES) + given


def company(draw: Draw, city: str) -> str:
    """Return the name of a firm in *city* that does not exist."""
    return f"{city.removesuffix('市')}{_coined(draw)}{draw.pick(TRADES)}{draw.pick(FORMS)}"


def place_name(draw: Draw, category: str) -> str:
    """Return the name of a point of interest of *category*."""
    return _coined(draw) + draw.pick(_PLACE_TAILS[category])


def street(draw: Draw) -> str:
    """Return a street with a number."""
    return f"{_coined(draw)}{draw.pick(STREET_TAILS)}{draw.whole(1, 380)}号"


def phone(draw: Draw) -> str:
    """Return eleven digits that no network routes."""
    return f"100{draw.below(10**8):08d}"


def identity_number(draw: Draw, born: date) -> str:
    """Return an 18-character resident identity number with area code 99xxxx."""
    body = f"99{draw.below(10**4):04d}{born:%Y%m%d}{draw.whole(1, 998):03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, RIC_WEIGHTS, strict=True))
    return body + "10X98765432"[total % 11]


def registration_number(draw: Draw) -> str:
    """Return an 18-character unified social credit code with area code 99xxxx."""
    body = f"9199{draw.below(10**4):04d}" + "".join(draw.pick(USCC) for _ in range(9))
    total = sum(USCC.index(char) * weight for char, weight in zip(body, USCC_WEIGHTS, strict=True))
    return body + USCC[-total % 31]


def coined_pairs() -> list[str]:
    """Return every coined word there is."""
    return [one + other for one in _COINED for other in _COINED if one != other]


def _coined(draw: Draw) -> str:
    first, second = draw.sample(_COINED, 2)
    return first + second
