"""MQTT → validate → store → acknowledge: how a reading becomes durable (design §4).

`ingest.store` is the one public module: the reading store is written here and read by others.
"""
