"""Pages about profiles hold all that the profile says, and are in date."""

from pathlib import Path

import pytest

from gateway_agent.profile.loading import load_profile
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
