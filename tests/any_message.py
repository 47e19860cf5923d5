"""Messages of any content: each kind of the contract with some fields replaced, or plain bytes."""

import copy
import json
import os
from typing import Any, Final

from hypothesis import strategies as st

from wire.wall_clock import wall_clock_ms

Message = tuple[str, bytes]
"""The kind, as in the topic, and the payload."""

EXAMPLES: Final = int(os.environ.get("HEARTHWATCH_FUZZ_EXAMPLES", "25"))
"""Bundles of messages for each test of any content, about 25 messages each."""

_NOW: Final = wall_clock_ms()
_DOCUMENTS: Final[dict[str, dict[str, Any]]] = {
    "telemetry": {
        "v": 1,
        "epoch": "e",
        "seq": 7,
        "sent_at": _NOW,
        "interval_s": 30,
        "acked": 0,
        "readings": [
            {
                "device": "mtg-mt-0900",
                "at": _NOW,
                "state": "heating",
                "faults": ["high_pressure:P1"],
                "bad": ["room_c"],
                "values": {"supply_c": 41.5, "power_w": 2350},
            }
        ],
    },
    "status": {
        "v": 1,
        "online": True,
        "at": _NOW,
        "epoch": "e",
        "software": "hearthwatch 0.1",
        "interval_s": 30,
        "devices": [{"device": "mtg-mt-0900", "profile": "phnix", "bus": "line", "address": 1}],
    },
    "ack": {"v": 1, "epoch": "e", "upto": 7},
    "command": {
        "v": 1,
        "id": "c-1",
        "device": "mtg-mt-0900",
        "set": {"setpoint_c": 42.0},
        "expires_at": _NOW,
        "by": "anna",
    },
    "result": {"v": 1, "id": "c-1", "status": "done", "reason": "", "read_back": {}, "at": _NOW},
}

_texts = st.sampled_from(["", "a\0b", "\x1b[2J", "x" * 5_000, "💧" * 70, "a/b", "../a", "'", "NaN"])
_numbers = st.sampled_from(
    [
        *(0, -1, 1, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63) - 1, 10**400, 1e300, -1e300, 5e-324),
        *(float("nan"), float("inf"), _NOW, _NOW // 1_000, _NOW * 1_000, True),
    ]
)
_scalars = st.none() | _numbers | _texts | st.integers() | st.floats() | st.text(max_size=8)
_values = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8) | _texts, inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def changed_documents(draw: st.DrawFn) -> Message:
    """A message with up to three of its fields replaced, at any depth."""
    kind = draw(st.sampled_from(sorted(_DOCUMENTS)))
    document = copy.deepcopy(_DOCUMENTS[kind])
    if "seq" in document:
        document["seq"] = draw(st.integers(1, 10**6))
    for _ in range(draw(st.integers(0, 3))):
        _replace(draw, document)
    return kind, json.dumps(document, ensure_ascii=draw(st.booleans())).encode(
        errors="surrogatepass"
    )


def _replace(draw: st.DrawFn, inside: dict[str, Any]) -> None:
    key = draw(st.sampled_from(sorted(inside)))
    value = inside[key]
    deeper = value[0] if isinstance(value, list) and value else value
    if isinstance(deeper, dict) and deeper and draw(st.booleans()):
        _replace(draw, deeper)
    elif draw(st.integers(0, 9)) == 0:
        del inside[key]
    else:
        inside[key] = draw(_values)


any_message: Final[st.SearchStrategy[Message]] = st.one_of(
    changed_documents(),
    changed_documents(),
    changed_documents(),
    st.tuples(st.sampled_from(sorted(_DOCUMENTS)), st.binary(max_size=64)),
)
