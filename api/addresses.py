"""Where a request comes from."""

from ipaddress import ip_address
from typing import Final

from fastapi import Request

_UNKNOWN: Final = "unknown"


def address_of(request: Request) -> str | None:
    """The network address that a request comes from, as a trusted proxy names it.

    `unknown` where the proxy named something else: such text belongs in no log and is nobody's
    place for the guess lock.
    """
    if request.client is None:
        return None
    try:
        return str(ip_address(request.client.host))
    except ValueError:
        return _UNKNOWN
