"""Whole fleets straight to MQTT, for load tests: each gateway with its session, numbers, journal
and reconnects."""
