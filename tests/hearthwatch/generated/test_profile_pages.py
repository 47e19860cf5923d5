"""Pages about profiles hold all that the profile says, and are in date."""

from pathlib import Path

import pytest

from gateway_agent.profile.loading import load_profile
from gateway_agent.profile.schema import Profile
from hearthwatch.generated.files import out_of_date
from hearthwatch.generated.profile_pages import page

REPOSITORY = Path(__file__).parents[3]
FOLDER = REPOSITORY / "config" / "profiles"
NAMES = sorted(path.stem for path in FOLDER.glob("*.toml"))


def test_generated_files_are_in_date() -> None:
    assert out_of_date(REPOSITORY) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_page_tells_every_point_fault_and_command(name: str) -> None:
    profile, text = load_profile(name, [FOLDER]), page(load_profile(name, [FOLDER]))
    assert all(f"| {point} | " in text for point in profile.points)
    assert all(
        f"`{fault}`" in text for codes in profile.fault_codes for fault in codes.codes.values()
    )
    assert all(
        f"`{kind}:{bits.address}.{bit}`" in text
        for bits in profile.fault_bits
        for bit, kind in bits.kinds.items()
    )
    assert all(
        f"`{kind}:{address}`" in text
        for flags in profile.fault_flags
        for address, kind in flags.kinds.items()
    )
    assert f"| defrost | {profile.defrost} |" in text
    for rule in profile.write:
        assert f"{rule.table} {rule.address}" in text
        assert f"{rule.minimum:g} … {rule.maximum:g}" in text
    assert all(denied.why in text for denied in profile.deny)


def test_the_bars_of_a_table_hold() -> None:
    for name in NAMES:
        for block in page(load_profile(name, [FOLDER])).split("\n\n"):
            lines = [line.replace("\\|", "") for line in block.splitlines() if line.startswith("|")]
            assert len({line.count("|") for line in lines}) <= 1


def test_a_page_says_in_which_form_a_unit_gives_its_numbers_and_what_it_gets_first() -> None:
    text = page(
        Profile.model_validate(
            {
                "profile": "p",
                "title": "t",
                "source": "s",
                "read": {"max_registers": 20, "max_bits": 200},
                "point": [
                    {"point": "power_w", "address": 4, "width": 32, "encoding": "float32",
                     "word_order": "low_first", "factor": 1000},
                    {"point": "energy_kwh", "address": 6,
                     "further": [{"address": 7, "factor": 1000, "encoding": "bcd"}]},
                    {"point": "coil_c", "address": 8, "signed": True, "sentinels": [-300],
                     "sentinel_reason": "the maker says so"},
                ],
                "state": [
                    {"state": "off", "when": [{"address": 1, "not_in": [3, 4],
                                               "or": [{"address": 2, "bit": 1}]}]},
                    {"state": "heating"},
                ],
                "fault_codes": [{"address": 10, "prefix": "E"}],
                "fault_bits": [{"address": 11, "codes": {"3": "fan:E12"}}],
                "fault_flags": [{"table": "coil", "codes": {"5": "phase:E1"}}],
                "on_connect": [{"address": 90, "values": [1, 7]}],
            }
        )
    )  # fmt: skip
    for said in (
        "| power_w | holding 5 + holding 4 | float32 × 1000 |",
        "| energy_kwh | holding 6, holding 7 | sum of as it is, bcd × 1000 |",
        "| coil_c | holding 8 | signed as it is | °C | no value: -300; the maker says so |",
        "(holding 1 is not 3 or 4 or holding 2 bit 1 is 1)",
        "`other:Ecode`",
        "| holding 11 bit 3 | `fan:E12` |",
        "| coil 5 | `phase:E1` |",
        "| bits in one request | 200 |",
        "| holding 90 | 1, 7 | 16 | yes |",
    ):
        assert said in text


def test_the_page_of_a_meter_has_points_only() -> None:
    text = page(
        Profile.model_validate(
            {
                "profile": "m",
                "title": "t",
                "source": "s",
                "meter": True,
                "read": {"max_registers": 20},
                "point": [{"point": "power_w", "address": 1}],
            }
        )
    )
    assert "| power_w | holding 1 |" in text
    assert "## State" not in text
