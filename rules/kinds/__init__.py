"""The kinds of rules there are. A new kind is one module here and one line in this table."""

from collections.abc import Mapping
from typing import Final

from rules.kinds.baseline import BaselineRule
from rules.kinds.defrost_share import DefrostShareRule
from rules.kinds.fault import FaultRule
from rules.kinds.hourly_share import HourlyShareRule
from rules.kinds.low_limit import LowLimitRule
from rules.kinds.silence import DeviceOfflineRule, GatewayOfflineRule, VillageOutageRule
from rules.rule import Rule

KINDS: Final[Mapping[str, type[Rule]]] = {
    "fault": FaultRule,
    "low_limit": LowLimitRule,
    "defrost_share": DefrostShareRule,
    "baseline": BaselineRule,
    "hourly_share": HourlyShareRule,
    "device_offline": DeviceOfflineRule,
    "gateway_offline": GatewayOfflineRule,
    "village_outage": VillageOutageRule,
}
