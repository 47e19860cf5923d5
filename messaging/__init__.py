"""The bus: one MQTT session with acknowledgements in our own hands. The only importer of paho.

Shared by the gateway, ingest and alerts, so that the traps of the client library are handled once.
"""
