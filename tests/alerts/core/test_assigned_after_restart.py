"""A unit that the ledger assigned stays listed while its gateway's birth is on its way."""

from alerts.core.district import District
from alerts.core.model import GatewayDevices
from desk.ledger.known import KnownGateway
from tests.alerts.messages import birth_message
from tests.rules.shipped import shipped_rules
from wire.ownership import LedgerWord
from wire.topics import GatewayPath

NOW = 1_763_740_000_000
OLD = GatewayPath("mentougou", "zhaitang", "matao", "mt-01")
NEW = GatewayPath("mentougou", "zhaitang", "matao", "mt-02")


def test_the_birth_of_the_old_box_takes_no_unit_off_the_new_one() -> None:
    district = District(shipped_rules(), NOW)
    district.decide_owners(LedgerWord(frozenset(), {"a": str(NEW)}), NOW)
    district.learn([KnownGateway(NEW, 30_000, devices=["a"])], NOW)
    district.receive(birth_message(OLD, NOW, "a"), NOW)
    changes = district.take_round(NOW).statuses
    assert GatewayDevices(NEW, []) not in changes
