"""Passwords: which are refused, and their argon2id hashes."""

import secrets
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_PASSWORD: Final = 8
"""Characters (NIST SP 800-63B §5.1.1.2)."""

MAX_PASSWORD: Final = 256
_LEAST_SCORE: Final = 2
"""Of zxcvbn, 0 to 4: below it, fewer than a million guesses in the order of known lists."""

_LOOKED_AT: Final = 72  # characters; the estimate takes time that grows with the length
_HASHER: Final = PasswordHasher()
_NO_ACCOUNT_HASH: Final = _HASHER.hash(secrets.token_urlsafe())


class PasswordRefusedError(ValueError):
    """A password that is too easy to guess; the message says why."""


def check_password(name: str, password: str) -> None:
    """Raise PasswordRefusedError for a password that anybody would try for `name`."""
    from zxcvbn import zxcvbn  # loads its lists of words; only where a password is set

    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        message = f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters"
        raise PasswordRefusedError(message)
    if len(set(password.strip())) < 3:
        raise PasswordRefusedError("a password is more than blanks or one character repeated")
    estimate = zxcvbn(password[:_LOOKED_AT], user_inputs=[name, "hearthwatch"])
    if estimate["score"] < _LEAST_SCORE:
        message = "this password is among the first that anybody tries; take several words"
        raise PasswordRefusedError(message)


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password."""
    return _HASHER.hash(password)


def password_fits(stored: str | None, password: str) -> bool:
    """Whether `password` has the hash `stored`; None takes as long as a wrong password."""
    try:
        return _HASHER.verify(stored or _NO_ACCOUNT_HASH, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False
