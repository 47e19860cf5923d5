"""MQTT → validate → store → acknowledge: how a reading becomes durable (design §4).

A message passes three rooms: `reception` decides, `store` keeps its readings, `durable` commits
and acknowledges them. `redelivery` brings dead letters back later. Other packages read the store
through `ingest.store`.
"""
