"""The kinds of rules there are. A new kind is one module here and one line in this table."""

from collections.abc import Mapping
from typing import Final

from rules.document.rule import Rule
from rules.forecast.extreme_cold import ExtremeColdRule
from rules.kinds.hourly.baseline import BaselineRule
from rules.kinds.hourly.hourly_share import HourlyShareRule
from rules.kinds.hourly.stuck import StuckRule
from rules.kinds.hourly.tariff_cap import TariffCapRule
from rules.kinds.hourly.unheated_nights import UnheatedNightsRule
from rules.kinds.lasting.bad_points import BadPointsRule
from rules.kinds.lasting.cooling import CoolingRule
from rules.kinds.lasting.fault import FaultRule
from rules.kinds.lasting.low_limit import LowLimitRule
from rules.kinds.lasting.symptoms import SymptomsRule
from rules.kinds.lasting.unchanging import UnchangingRule
from rules.kinds.states.defrost_share import DefrostShareRule
from rules.kinds.states.repeated import RepeatedRule
from rules.presence.rules import DeviceOfflineRule, GatewayOfflineRule, VillageOutageRule

KINDS: Final[Mapping[str, type[Rule]]] = {
    "fault": FaultRule,
    "low_limit": LowLimitRule,
    "symptoms": SymptomsRule,
    "cooling": CoolingRule,
    "repeated": RepeatedRule,
    "unchanging": UnchangingRule,
    "stuck": StuckRule,
    "bad_points": BadPointsRule,
    "defrost_share": DefrostShareRule,
    "baseline": BaselineRule,
    "hourly_share": HourlyShareRule,
    "tariff_cap": TariffCapRule,
    "unheated_nights": UnheatedNightsRule,
    "extreme_cold": ExtremeColdRule,
    "device_offline": DeviceOfflineRule,
    "gateway_offline": GatewayOfflineRule,
    "village_outage": VillageOutageRule,
}
