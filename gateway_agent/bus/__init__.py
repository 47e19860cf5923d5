"""Modbus on one line: what to ask together, how frames look, and one checked exchange at a time."""
