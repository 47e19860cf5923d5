"""Exit codes (design §7) and the errors that lead to them."""

from typing import Final

FAILED: Final = 1
WRONG_USAGE: Final = 2
UNREACHABLE: Final = 3


class UsageError(Exception):
    """A request that cannot be carried out as it stands; exits with 2."""


class FailedError(Exception):
    """A failure while running; the message says where to look; exits with 1."""


class UnreachableError(Exception):
    """A needed service does not answer; exits with 3."""
