"""Readings that come late: after a restart, and as history."""
