"""The HTTP API of the alert service (contract §7): JSON under `/api/v1`, errors as RFC 9457 problems.

What pages on top of it may use is exported here.
"""

from alerts.api.app import create_app
from alerts.api.callers import COOKIE, find_caller
from alerts.api.context import ApiContext, Context
from alerts.api.devices import device_with_values
from alerts.api.problems import Problem
from alerts.api.sessions import Credentials, open_session

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
