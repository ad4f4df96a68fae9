"""Houses beside the bank: who works there, whom they visit and how far away. Data, no code."""

from __future__ import annotations

from typing import Final

import attrs

from fieldhr_sandbox.recipes.city_bank import CITY_BANK

__all__ = ["FUND", "FUTURES", "INSURANCE_BROKER", "SECURITIES", "TRUST"]

INSURANCE_BROKER: Final = attrs.evolve(
    CITY_BANK,
    name="insurance-broker",
    title="Insurance broker",
    role="insurance_agent",
    products=("life_insurance", "health_insurance", "wealth_product"),
    needs=("重疾险咨询", "年金险方案", "医疗险续保", "少儿教育金", "理赔协助", "团体意外险", "保单检视", "养老规划"),
    firm_share=0.15,
    trip_median_m=3800.0,
    stay_median_s=40 * 60.0,
    stay_sigma=0.4,
)

SECURITIES: Final = attrs.evolve(
    CITY_BANK,
    name="securities",
    title="Securities house",
    role="wealth_adviser",
    products=("stock_account", "fund", "wealth_product"),
    needs=("开户", "两融业务咨询", "资产配置", "投顾服务", "新股申购咨询", "机构开户", "产品到期续作"),
    firm_share=0.25,
    trip_median_m=4200.0,
    rural_share=0.05,
    stay_median_s=36 * 60.0,
)

FUND: Final = attrs.evolve(
    CITY_BANK,
    name="fund",
    title="Fund company",
    role="channel_manager",
    products=("fund", "wealth_product"),
    needs=("渠道路演", "产品培训", "机构专户", "定投活动", "持仓检视", "净值说明"),
    firm_share=0.7,
    trip_median_m=6000.0,
    rural_share=0.05,
    stay_median_s=45 * 60.0,
)

TRUST: Final = attrs.evolve(
    CITY_BANK,
    name="trust",
    title="Trust company",
    role="wealth_adviser",
    products=("trust_product", "wealth_product"),
    needs=("家族信托咨询", "集合信托到期", "合格投资者认定", "保险金信托", "资产隔离方案", "慈善信托"),
    firm_share=0.3,
    trip_median_m=5500.0,
    rural_share=0.05,
    stay_median_s=48 * 60.0,
)

FUTURES: Final = attrs.evolve(
    CITY_BANK,
    name="futures",
    title="Futures broker",
    role="futures_broker",
    products=("futures", "wealth_product"),
    needs=("套期保值方案", "开户", "期权咨询", "交割业务", "风险管理", "产业客户培训"),
    firm_share=0.85,
    trip_median_m=6500.0,
    rural_share=0.15,
    stay_median_s=42 * 60.0,
)
