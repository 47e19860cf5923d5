"""The HTTP API of the alert service (contract §7): JSON under `/api/v1`, errors as RFC 9457
problems.

What pages on top of it may use is exported here.
"""

from api.app import create_app
from api.callers import COOKIE, find_caller
from api.context import ApiContext, Context
from api.devices import device_with_values
from api.problems import Problem
from api.sessions import Credentials, open_session

__all__ = [
    "COOKIE",
    "ApiContext",
    "Context",
    "Credentials",
    "Problem",
    "create_app",
    "device_with_values",
    "find_caller",
    "open_session",
]
