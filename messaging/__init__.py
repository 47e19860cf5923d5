"""The bus: an MQTT session that acknowledges only when its consumer does.

This package alone imports paho. The gateway, ingest and alerts share it, so that the traps of the
client library are handled once.
"""
