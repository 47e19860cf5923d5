"""Run inside a machine: publish one reading as the gateway of an account, and wait for the PUBACK.

send_reading.py DISTRICT/TOWN/VILLAGE/GATEWAY PASSWORD_FILE CA SEQ
"""

import json
import ssl
import sys
import time
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion


def main(account: str, password_file: str, ca: str, seq: int) -> None:
    at = int(time.time() * 1_000)
    values = {"supply_c": 41.5, "return_c": 36.2, "outdoor_c": -7.0}
    reading = {"device": "mt-01-1", "at": at, "state": "heating", "faults": [], "bad": []}
    head = {"v": 1, "epoch": "installed", "seq": seq, "sent_at": at, "interval_s": 30}
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=account)
    client.username_pw_set(account, Path(password_file).read_text().strip())
    client.tls_set(ca, tls_version=ssl.PROTOCOL_TLS_CLIENT)
    client.connect("broker.example", 8883)
    client.loop_start()
    message = json.dumps({**head, "readings": [{**reading, "values": values}]})
    client.publish(f"hw/v1/telemetry/{account}", message, qos=1).wait_for_publish(20)
    client.disconnect()


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
