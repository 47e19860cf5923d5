"""A plain subscriber for comparison: paho, json, influxdb-client's Point and batching.

`python -m bench.plain_subscriber MQTT_HOST MQTT_PORT CLIENT_ID INFLUX_URL BATCH MESSAGES` writes
telemetry to the bucket `hearthwatch` until it has taken so many messages and flushed them. Then it
prints the CPU seconds that it used. Nothing is checked, and a message is acknowledged to the broker
before it is stored.
"""

import json
import sys
import threading
import time
from typing import Any

import paho.mqtt.client as mqtt
from influxdb_client import InfluxDBClient, Point, WriteOptions, WritePrecision
from paho.mqtt.enums import CallbackAPIVersion


def points_of(topic: str, payload: bytes | bytearray) -> list[Point]:
    """Return a Point for each reading of a message, with the tags and fields of the contract."""
    district, town, village, gateway = topic.split("/")[-4:]
    message = json.loads(payload)
    points = []
    for reading in message["readings"]:
        point = (
            Point("heat_pump").tag("district", district).tag("town", town).tag("village", village)
        )
        point.tag("gateway", gateway).tag("device", reading["device"])
        for name, value in reading["values"].items():
            point.field(name, float(value))
        point.field("state", reading["state"]).field("faults", ",".join(reading["faults"]))
        point.field("epoch", message["epoch"]).field("seq", message["seq"])
        points.append(point.time(reading["at"], WritePrecision.MS))
    return points


def main() -> None:
    """Subscribe, write, and end after the last message."""
    host, port, client_id, url, batch, count = sys.argv[1:]
    done, taken = threading.Event(), 0
    influx = InfluxDBClient(url=url, token="none", org="district", timeout=60_000)  # noqa: S106 - a bench server
    options = WriteOptions(batch_size=int(batch), flush_interval=1_000)
    writer = influx.write_api(write_options=options)

    def on_message(_client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        nonlocal taken
        writer.write("hearthwatch", "district", points_of(message.topic, message.payload))
        taken += 1
        if taken == int(count):
            done.set()

    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False)
    client.on_message = on_message
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    client.connect(host, int(port))
    client.subscribe("hw/v1/telemetry/#", 1)
    client.loop_start()
    done.wait()
    writer.close()
    sys.stdout.write(f"{time.process_time()}\n")
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    main()
