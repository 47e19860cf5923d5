"""Modbus on one line: read plans, frames, and one checked exchange at a time."""
