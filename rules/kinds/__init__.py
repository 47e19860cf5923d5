"""The kinds of rules there are. A new kind is one module here and one line in this table."""

from collections.abc import Mapping
from typing import Final

from rules.kinds.bad_points import BadPointsRule
from rules.kinds.baseline import BaselineRule
from rules.kinds.cooling import CoolingRule
from rules.kinds.defrost_share import DefrostShareRule
from rules.kinds.extreme_cold import ExtremeColdRule
from rules.kinds.fault import FaultRule
from rules.kinds.hourly_share import HourlyShareRule
from rules.kinds.low_limit import LowLimitRule
from rules.kinds.repeated import RepeatedRule
from rules.kinds.stuck import StuckRule
from rules.kinds.symptoms import SymptomsRule
from rules.kinds.tariff_cap import TariffCapRule
from rules.kinds.unchanging import UnchangingRule
from rules.kinds.unheated_nights import UnheatedNightsRule
from rules.presence.rules import DeviceOfflineRule, GatewayOfflineRule, VillageOutageRule
from rules.rule import Rule

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
