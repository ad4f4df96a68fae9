"""``city-bank``: a city commercial bank whose credit managers visit small firms."""

from __future__ import annotations

from typing import Final

from fieldhr_sandbox.recipes.base import Recipe

__all__ = ["CITY_BANK"]

CITY_BANK: Final = Recipe(
    name="city-bank",
    title="City commercial bank",
    role="credit_manager",
    products=("loan", "deposit", "wealth_product"),
    needs=(
        "流动资金贷款",
        "续贷评估",
        "开立结算账户",
        "存款到期续存",
        "供应链融资",
        "设备贷款",
        "票据贴现",
        "理财咨询",
    ),
    cities=(
        "杭州市",
        "成都市",
        "南京市",
        "武汉市",
        "西安市",
        "苏州市",
        "长沙市",
        "郑州市",
        "济南市",
        "青岛市",
        "合肥市",
        "宁波市",
    ),
    poi_counts={
        "mall": 6,
        "restaurant": 14,
        "cafe": 6,
        "teahouse": 2,
        "gym": 2,
        "fuel": 4,
        "charging": 3,
        "car_repair": 2,
        "hospital": 2,
        "worship": 1,
        "court": 1,
        "hotel": 2,
    },
)
