"""Houses beside the bank: who works there, whom they visit and how far away. Data, no code."""

from __future__ import annotations

from datetime import time
from typing import Final

import attrs

from fieldhr_core.model import WorkPattern
from fieldhr_sandbox.recipes.city_bank import CITY_BANK

__all__ = ["FUND", "FUTURES", "INSURANCE_BROKER", "SECURITIES", "TRUST"]

#: Rows about loans and those who owe them.
_LENDING: Final = ("R06", "R07", "R08", "R09", "S01", "S02")

#: The day of an insurance agent begins with a morning meeting. Rebates, untrue declarations of health, comparisons with
#: deposits and false last chances are what the rules of selling insurance forbid (人身保险 and 互联网保险 rules).
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
    pattern=WorkPattern(start=time(8, 30)),
    sold=("荻安终身寿险", "漱禾百万医疗险", "槐盈年金险(分红型)"),
    banned=(
        "您今天签单,首年保费我返您两成",
        "健康告知那几栏都填否就行,没人会查",
        "甲状腺结节不用写,过两年照样赔",
        "这款分红险保证每年四个点,跟存款一样保本",
        "这就是银行存款的升级版,收益是确定的",
        "佣金我分您一半,您就当打折了",
    ),
    allowed=(
        "按规定我们不能返还保费,也不能返佣",
        "健康告知请您如实填写,否则会影响理赔",
        "分红是不确定的,以公司每年公布的为准",
        "犹豫期十五天,期间退保只扣工本费",
        "保险不是存款,不能和存款利率简单比较",
        "双录大约十分钟,会录下风险提示的全过程",
        "销售误导是指承诺收益或者隐瞒责任免除,这些我们都不做",
        "有病史请写清楚,核保会给出结论",
    ),
    without=_LENDING,
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
    sold=("澄荻1号资管计划", "漱霁90天收益凭证", "槐岑进取2号"),
    banned=(
        "跟着我买这只股票,三个月稳赚三成",
        "账户您别管,亏了算我的",
        "这个组合保证跑赢大盘,不会亏",
        "内部消息,下周一定涨停",
    ),
    allowed=(
        "投资有风险,我们不能承诺收益",
        "客户自己操作账户,我们不能代客理财",
        "过去的业绩不代表将来",
        "没有人能保证股票一定上涨",
    ),
    without=_LENDING,
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
    sold=("澄荻混合A", "漱霁债券C", "槐岑指数"),
    banned=(
        "这只基金去年八个点,今年保证也有八个点",
        "买这只肯定不会亏,放心配",
        "本金绝对安全,比存款强多了",
        "我们承诺最低收益四个点",
    ),
    allowed=(
        "基金有风险,过往业绩不预示未来表现",
        "本基金不保本,也不承诺最低收益",
        "净值会波动,请看清风险等级",
        "不得对投资者承诺收益,我们严格遵守",
    ),
    without=_LENDING,
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
    sold=("澄荻3号集合信托", "漱霁7号集合信托", "槐岑家族信托"),
    banned=(
        "信托都是刚性兑付,到期本息一分不少",
        "这个项目零风险,政府兜着底呢",
        "保证年化七个点,到期一定兑付",
        "您放心,本金我们公司保着",
    ),
    allowed=(
        "信托不保本,打破刚兑以后风险由委托人承担",
        "我们不承诺保本和最低收益",
        "请先完成合格投资者认定",
        "零风险的信托是没有的",
    ),
    without=_LENDING,
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
    sold=("澄荻1号资管计划", "漱霁期权策略", "槐岑CTA2号"),
    banned=(
        "这个点位进场必赚,亏了我补给您",
        "跟单稳赚不赔,群里都在赚",
        "保证金交给我,保证每月百分之五",
        "套保零风险高收益,闭眼做就行",
    ),
    allowed=(
        "期货交易可能亏损全部保证金",
        "我们不能代客户下单,也不能承诺收益",
        "套期保值不能消除全部风险",
        "没有稳赚不赔的交易",
    ),
    without=_LENDING,
)
