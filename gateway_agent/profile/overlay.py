"""Overlays: a profile that corrects its `base` without copying it. Pure.

How a table of the overlay changes the base's:

- `read`: each key replaces the base's
- `scale.NAME`: replaces the scale of that name
- `point`, `write`: the entries of a point replace all of the base's entries of that point
- `fault_codes`, `fault_bits`, `fault_panel`: an entry changes the base's entry of the same
  address; its codes and kinds are added
- `fault_flags`: the kinds are added to the base's of the same table
- `state`, `on_connect`: replaces the whole list, because its order decides
- `deny`: is added, so that an overlay never allows what the base denies
- `remove = ["flow_lpm"]`: points that this unit lacks
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

Document = dict[str, Any]

BASE: Final = "base"
REMOVE: Final = "remove"

_BY_POINT: Final = ("point", "write")
_BY_ADDRESS: Final = ("fault_codes", "fault_bits", "fault_panel", "fault_flags")
_ADDED: Final = ("deny",)
_WHOLE: Final = ("state", "on_connect")


def merge(base: Document, overlay: Document) -> Document:
    """`base` as corrected by `overlay`.

    The overlay's entries come first in every list, so that a mistake is reported under the index
    it has in its own file. A value of another shape passes unchanged; validation names it.
    """
    merged = {key: value for key, value in base.items() if key not in (BASE, REMOVE)}
    for key, value in overlay.items():
        if key not in (BASE, REMOVE):
            merged[key] = _merged(key, base.get(key), value)
    removed = overlay.get(REMOVE, [])
    for name in _BY_POINT:
        if removed and isinstance(merged.get(name), list):
            merged[name] = [entry for entry in merged[name] if _get(entry, "point") not in removed]
    return merged


def _merged(key: str, base: Any, overlay: Any) -> Any:
    if isinstance(base, dict) and isinstance(overlay, dict):
        return base | overlay
    if not (isinstance(base, list) and isinstance(overlay, list)) or key in _WHOLE:
        return overlay
    if key in _BY_POINT:
        replaced = [_get(entry, "point") for entry in overlay]
        return [*overlay, *(entry for entry in base if _get(entry, "point") not in replaced)]
    if key in _BY_ADDRESS:
        return _by_address(base, overlay)
    return [*overlay, *base] if key in _ADDED else overlay


def _by_address(base: Sequence[Any], overlay: Sequence[Any]) -> list[Any]:
    registers = [_register(entry) for entry in overlay]
    changed = [
        _changed(next((old for old in base if _register(old) == _register(new)), {}), new)
        for new in overlay
    ]
    return [*changed, *(entry for entry in base if _register(entry) not in registers)]


def _changed(old: Any, new: Any) -> Any:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    tables = {
        key: old[key] | value
        for key, value in new.items()
        if isinstance(value, dict) and isinstance(old.get(key), dict)
    }
    return old | new | tables


def _register(entry: Any) -> tuple[Any, Any]:
    return _get(entry, "table"), _get(entry, "address")


def _get(entry: Any, key: str) -> Any:
    return entry.get(key) if isinstance(entry, Mapping) else None
