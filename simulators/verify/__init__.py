"""Verification: whether everything that happened was stored, raised and ticketed, exactly once."""

from simulators.verify.compare import verify
from simulators.verify.limits import VerificationLimits
from simulators.verify.readings import RecordedReading
from simulators.verify.result import Verification, VerificationFinding

__all__ = ["RecordedReading", "Verification", "VerificationFinding", "VerificationLimits", "verify"]
