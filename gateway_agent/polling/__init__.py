"""Visits to the units of a line: when, in which order, with which requests."""
