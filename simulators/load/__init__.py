"""Whole fleets straight to MQTT for load tests: sessions, journals and reconnects of gateways."""
