"""The table of signs and the shipped rules speak of the same things."""

from simulators.scoring.signs import SIGNS
from tests.rules.shipped import shipped_rules

# Raised from a code, from settings, from a forecast, from two claims, from too many alerts.
WITHOUT_A_FAULT = {
    "fault",
    "config_risk",
    "extreme_cold",
    "ownership_conflict",
    "too_many_events",
}


def test_every_shipped_rule_is_a_sign_and_every_sign_a_shipped_rule() -> None:
    signs = {
        sign
        for row in SIGNS.values()
        for sign in (*row.detects, *row.explains)
        if not sign.startswith("fault:")
    }
    assert signs == {rule.id for rule in shipped_rules()} - WITHOUT_A_FAULT
