"""Exit codes (design §7) and the errors that lead to them."""

from typing import Final

FAILED: Final = 1
WRONG_USAGE: Final = 2
UNREACHABLE: Final = 3


class UsageError(Exception):
    """A request that cannot be carried out as it was made; exits with 2."""


class FailedError(Exception):
    """Something failed while running, in a way that people can look into; exits with 1."""


class UnreachableError(Exception):
    """A service that is needed does not answer; exits with 3."""
