"""A home's day, sped up, spoken in SolarAssistant's dialect: the topics of a recorded home, with moving values."""

import json
import math
import os
import random

SAMPLE = os.path.join(os.path.dirname(__file__), "../../tests/fixtures/samples/solarassistant-grid.jsonl")

CAPACITY_WH = 13500.0
MAX_W = 5000.0
RESERVE = 20.0


class Home:
    """Solar, a family and a battery that follows the load. `speed` = simulated seconds per real second."""

    def __init__(self, day_seconds, seed=1):
        self.speed = 86400 / day_seconds
        self.hour = 5.5
        self.soc = 45.0
        self.battery = self.solar = self.load = 0.0  # W; battery positive = charging
        self.priority = "Load first"  # or "Battery first": discharges at the commanded power
        self.discharge_w = 0.0
        self.random = random.Random(seed)
        with open(SAMPLE, encoding="utf-8") as lines:
            self.base = [(m["topic"], m["payload"]) for m in map(json.loads, lines)]

    def step(self, seconds):
        self.hour = (self.hour + seconds * self.speed / 3600) % 24
        sun = math.sin(math.pi * (self.hour - 6) / 13)
        self.solar = max(0.0, 6200 * sun * self.random.uniform(0.92, 1.0))
        meals = math.exp(-((self.hour - 7.5) ** 2)) * 1800 + math.exp(-((self.hour - 19) ** 2) / 3) * 2600
        self.load = (450 + meals) * self.random.uniform(0.9, 1.1)
        want = -self.discharge_w if self.priority == "Battery first" else self.solar - self.load
        want = max(-MAX_W, min(MAX_W, want))
        if want < 0 and self.soc <= RESERVE or want > 0 and self.soc >= 100:
            want = 0.0
        self.battery = want
        self.soc = max(0.0, min(100.0, self.soc + want * seconds * self.speed / 3600 / CAPACITY_WH * 100))

    @property
    def grid(self):
        return self.load + self.battery - self.solar

    def obey(self, topic, payload):
        """A setting, as SolarAssistant takes it on …/set."""
        if topic.endswith("/discharge_power/set"):
            self.discharge_w = float(payload)
        elif topic.endswith("/work_mode_priority/set"):
            self.priority = payload

    def messages(self):
        """(topic, payload): every topic of the recording, those that the day moves with today's values."""
        moved = {
            "solar_assistant/total/battery_state_of_charge/state": f"{self.soc:.1f}",
            "solar_assistant/total/battery_power/state": f"{self.battery:.0f}",
            "solar_assistant/battery_1/power/state": f"{self.battery:.0f}",
            "solar_assistant/battery_1/state_of_charge/state": f"{self.soc:.0f}",
            "solar_assistant/inverter_1/pv_power/state": f"{self.solar:.0f}",
            "solar_assistant/inverter_1/load_power/state": f"{self.load:.0f}",
            "solar_assistant/inverter_1/grid_power/state": f"{self.grid:.0f}",
        }
        settings = [("solar_assistant/inverter_1/work_mode_priority/state", self.priority)]
        return [(topic, moved.get(topic, payload)) for topic, payload in self.base] + settings

    def clock(self):
        return f"{int(self.hour):02d}:{int(self.hour * 60) % 60:02d}"
