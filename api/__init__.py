"""The HTTP API (contract §7): JSON under `/api/v1`, errors as RFC 9457 problems.

Pages on top of it use the names exported here and nothing else.
"""

from api.app import create_app
from api.auditing import note_refusal
from api.board import Board, read_board
from api.callers import find_caller
from api.context import ApiContext, Context
from api.devices import device_with_values
from api.own_password import PasswordChange, replace_own_password
from api.problems import Problem
from api.sessions import Credentials, close_session, open_session
from desk.accounts.accounts import Caller
from desk.errors import NotFoundError
from wire.messages import PRIORITIES

__all__ = [
    "PRIORITIES",
    "ApiContext",
    "Board",
    "Caller",
    "Context",
    "Credentials",
    "NotFoundError",
    "PasswordChange",
    "Problem",
    "close_session",
    "create_app",
    "device_with_values",
    "find_caller",
    "note_refusal",
    "open_session",
    "read_board",
    "replace_own_password",
]
