import re
from pathlib import Path
from typing import cast

import pytest

from console import board, views
from console.texts import LANGUAGES, catalogue, section, text
from desk.tickets.life_cycle import TicketState, allowed_events

CONSOLE = Path(views.__file__).parent
_CALL = re.compile(r'\bt\(\s*["\']([a-z_]+)\.([a-z_]+)?["\']\s*(\+)?')
_SCRIPT = re.compile(r"\btexts\.([a-z]+)\.([a-z_]+)")
_CJK = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_every_text_is_in_both_languages_and_in_the_right_one(key: str) -> None:
    texts = catalogue()[key]
    assert set(texts) == set(LANGUAGES)
    assert all(value.strip() for value in texts.values())
    assert _CJK.search(texts["zh"])
    assert not _CJK.search(texts["en"])


@pytest.mark.parametrize(
    "template", sorted((CONSOLE / "templates").iterdir()), ids=lambda path: path.name
)
def test_templates_name_only_texts_there_are(template: Path) -> None:
    for part, key, computed in _CALL.findall(template.read_text(encoding="utf-8")):
        if computed:
            assert section("en", part), f"{part}. in {template.name}"
        else:
            assert text("en", f"{part}.{key}")


@pytest.mark.parametrize("script", ["console.js", "plot.js"])
def test_scripts_name_only_texts_they_are_given(script: str) -> None:
    for part, key in _SCRIPT.findall((CONSOLE / "static" / script).read_text(encoding="utf-8")):
        assert part in views.SCRIPT_SECTIONS
        assert text("en", f"{part}.{key}")


def test_what_the_service_can_say_has_a_word() -> None:
    from desk.accounts.scope import ROLES
    from desk.tickets.life_cycle import KINDS, STATES
    from wire.messages import PRIORITIES
    from wire.points import STATES as DEVICE_STATES

    named = {
        "priority": PRIORITIES,
        "role": ROLES,
        "ticket_kind": KINDS,
        "ticket_state": STATES,
        "state": DEVICE_STATES,
        "point": board.PLOTTED,
        "ticket_event": [
            row["next_event"]
            for row in board.ticket_rows([_ticket(state) for state in board.STEPS])
        ],
    }
    for part, names in named.items():
        for name in names:
            assert text("zh", f"{part}.{name}")


def test_a_missing_text_is_an_error_and_not_a_key_on_the_page() -> None:
    with pytest.raises(KeyError):
        text("en", "page.nothing")


def _ticket(state: str) -> dict[str, object]:
    clocks = {"opened_at": 0, "dispatch_by": 1, "onsite_by": 2, "repair_by": 3}
    return {"state": state, "events": allowed_events(cast("TicketState", state)), **clocks}
