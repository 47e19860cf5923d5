"""Was everything that happened stored, raised and ticketed, exactly once? Pure comparison of truth
and record."""

from simulators.verify.compare import verify
from simulators.verify.limits import Limits
from simulators.verify.readings import StoredReading
from simulators.verify.result import Detail, Verification

__all__ = ["Detail", "Limits", "StoredReading", "Verification", "verify"]
