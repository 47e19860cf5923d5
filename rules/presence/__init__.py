"""Presence: which gateways and devices are heard, and which silence becomes an alert."""
