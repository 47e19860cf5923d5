"""The shipped systemd units, as keys and values."""

from tests.servers import shipped_file


def keys_of(name: str) -> dict[str, list[str]]:
    """Every key of the unit `hearthwatch-NAME` with its values, in order."""
    keys: dict[str, list[str]] = {}
    for line in shipped_file(f"systemd/hearthwatch-{name}", {}).splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            keys.setdefault(key, []).append(value)
    return keys
