"""A battery whose sign is turned is named by the running bridge, by its device's state and by `doctor`, in real time:
minutes, so only with F2M_SLOW_TESTS=1. In virtual time the same is tests/unit/telemetry/test_prove.c."""
import json
import os
import threading
import time

import pytest
from harness import Bridge, home_config

pytestmark = pytest.mark.skipif(os.environ.get("F2M_SLOW_TESTS") != "1", reason="ten minutes: F2M_SLOW_TESTS=1")

CAPACITY_WH = 5000
POWER_W = 4500  # charging, told as discharging


class Battery(threading.Thread):
    def __init__(self, mqtt):
        super().__init__(daemon=True)
        self.mqtt, self.over, self.begun = mqtt, threading.Event(), time.monotonic()

    def run(self):
        while not self.over.wait(5):
            soc = 30 + POWER_W * (time.monotonic() - self.begun) / 3600 / CAPACITY_WH * 100
            self.mqtt.client.publish("battery/soc", f"{soc:.0f}")
            self.mqtt.client.publish("battery/power", str(-POWER_W))


def test_a_turned_sign_is_named_everywhere(tmp_path, broker, mqtt, sim):
    config = home_config(broker, sim, tmp_path)
    sources = {"state_of_charge": "battery/soc", "battery_power": {"topic": "battery/power", "positive": "charging"}}
    device = {"id": "garage", "capacity": "5 kWh", "max_charge": "5 kW", "max_discharge": "5 kW"}
    config["sites"] = [{"id": "home", "devices": [{**device, "telemetry": {"sources": sources}}]}]
    bridge = Bridge(tmp_path, config)
    battery = Battery(mqtt)
    mqtt.subscribe("flip2mqtt/bridge/health", "flip2mqtt/device/garage/state")
    with bridge:
        bridge.start_online(mqtt)
        battery.start()
        doctor = bridge.command("doctor", "--for", "9min", "--json", timeout=600)
        battery.over.set()
        words = [p["problem"] for p in json.loads(doctor.stdout)["devices"][0]["problems"]]
        assert any("the sign is turned; set `positive: discharging`" in w for w in words), doctor.stdout
        health = mqtt.last("flip2mqtt/bridge/health").json()
        assert any("the sign is turned" in p for p in health["problems"]), health
        state = mqtt.last("flip2mqtt/device/garage/state").json()
        assert "the sign is turned" in state["problem"], state
        assert bridge.log().count("the sources contradict each other") == 1
