"""Identifiers in topics, payloads and configuration (contract §1)."""

import re

_IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,47}")


def is_identifier(text: str) -> bool:
    """Whether `text` may name a district, town, village, gateway, device or profile."""
    return _IDENTIFIER.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Whether `text` may name a rule or a point: as an identifier, with `_` instead of `-`."""
    return _NAME.fullmatch(text) is not None
