"""Batteries that speak the dialects of real integrations, and keep their mode as those would.

A battery takes what comes on its command topics, remembers every write and every change of its mode with the wall
time, answers read-backs, and goes back to its own mode by itself where its integration does so (evcc's lease, Victron's
watchdog, GivTCP's minutes). The configuration comes from the shipped presets where they have modes; a test may add
delays, other waiting times and refreshes to it, so that it need not wait for minutes.
"""
import json
import re
import threading
import time

import paho.mqtt.client as paho
import yaml
from harness.binaries import ROOT
from harness.process import until

OWN = "own"


def preset_control(name, **parameters):
    """The control section of a shipped preset with its parameters filled in."""
    text = (ROOT / "config" / "presets" / f"{name}.yaml").read_text(encoding="utf-8")
    values = {k: p.get("default") for k, p in yaml.safe_load(text)["parameters"].items()} | parameters
    return yaml.safe_load(re.sub(r"\$\{(\w+)\}", lambda m: str(values[m.group(1)]), text))["control"]


class Battery:
    """One device. `commands` are Flip's orders by the mode that the battery must then be in."""

    commands = {}
    lapses_after = None  # seconds after which it goes back by itself unless told again

    def __init__(self, name):
        self.name = name
        self.mode, self.power = OWN, None
        self.history = [(0.0, OWN)]  # (wall time, mode), from then on
        self.writes = []  # (wall time, topic, payload)
        self.mute = False  # takes nothing and shows nothing
        self.lapses_at = None
        self.publish = None  # set by the house

    # what a dialect has

    def control(self):
        """The control section of the configuration."""
        raise NotImplementedError

    def filters(self):
        """The topics that it listens to."""
        raise NotImplementedError

    def take(self, topic, payload):
        """A command came; returns the mode that the battery is in now."""
        raise NotImplementedError

    def show(self):
        """Publishes what its integration keeps retained; at every connection."""

    # what all have

    def device(self, delay=None, within=None, refresh=None):
        control = json.loads(json.dumps(self.control()))  # YAML's aliases become lists of their own
        for publishes in [*control["modes"].values(), control["restore"]]:
            for i, publish in enumerate(publishes):
                if delay and i == 1:
                    publish["delay"] = delay
                if within and "confirm" in publish:
                    publish["confirm"]["within"] = within
                if refresh and "refresh" in publish:
                    publish["refresh"] = refresh
        return {
            "id": self.name,
            "name": self.name,
            "type": "BATTERY",
            "capacity": "10 kWh",
            "max_charge": "5 kW",
            "max_discharge": "5 kW",
            "telemetry": {"endpoint": "off"},
            "control": control,
        }

    def hear(self, topic, payload):
        now = time.time()
        self.writes.append((now, topic, payload))
        if not self.mute:
            self.become(self.take(topic, payload), now)

    def become(self, mode, now):
        if mode != self.mode:
            self.mode = mode
            self.history.append((now, mode))
        self.lapses_at = now + self.lapses_after if self.lapses_after and mode != OWN else None

    def lapse(self, now):
        if self.lapses_at and now >= self.lapses_at:
            self.fall_back()
            self.become(OWN, now)

    def fall_back(self):
        """By itself."""

    def mode_at(self, wall):
        return next(mode for at, mode in reversed(self.history) if at <= wall)

    def topics_written(self, since=0):
        return [topic for _, topic, _ in self.writes[since:]]


class SolarAssistant(Battery):
    """Texts; every setting is shown on a retained state topic a moment after it was written."""

    commands = {
        "discharge": {"mode": "DISCHARGE", "power_mode": "SETPOINT", "setpoint_w": 2000},
        "charge": {"mode": "CHARGE", "power_mode": "SETPOINT", "setpoint_w": 1500},
        "standby": {"mode": "STANDBY"},
    }
    priorities = {"Battery first": "discharge", "Grid first": "charge", "Stop": "standby", "Load first": OWN}

    def __init__(self, name):
        super().__init__(name)
        self.root = f"solar_assistant/{name}"
        self.settings = {"work_mode_priority": "Load first", "power": "0"}

    def control(self):
        def priority(text):
            state = {"topic": f"{self.root}/work_mode_priority/state", "equals": text, "within": "5s"}
            return {"topic": f"{self.root}/work_mode_priority/set", "payload": text, "confirm": state}

        power = {
            "topic": f"{self.root}/power/set",
            "payload": "{{ setpoint_w | round(0) }}",
            "confirm": {"topic": f"{self.root}/power/state", "equals": "{{ setpoint_w | round(0) }}", "within": "5s"},
        }
        modes = {
            "DISCHARGE": [priority("Battery first"), power],
            "CHARGE": [priority("Grid first"), power],
            "STANDBY": [priority("Stop")],
        }
        return {"modes": modes, "restore": [priority("Load first"), {"topic": f"{self.root}/power/set", "payload": "0"}]}

    def filters(self):
        return [f"{self.root}/+/set"]

    def take(self, topic, payload):
        setting = topic.split("/")[-2]
        self.settings[setting] = payload
        self.publish(f"{self.root}/{setting}/state", payload, retain=True)
        self.publish("solar_assistant/set/response_message/state", "Saved")
        self.power = float(self.settings["power"])
        return self.priorities[self.settings["work_mode_priority"]]

    def show(self):
        for setting, text in self.settings.items():
            self.publish(f"{self.root}/{setting}/state", text, retain=True)


class Lxp(Battery):
    """lxp-bridge, eg4-bridge: registers, each write answered with OK on a topic of results."""

    commands = {
        "discharge": {"mode": "DISCHARGE", "power_mode": "SETPOINT", "setpoint_w": 2500},
        "charge": {"mode": "CHARGE", "power_mode": "SETPOINT", "setpoint_w": 1500},
        "standby": {"mode": "STANDBY"},
    }

    def __init__(self, name):
        super().__init__(name)
        self.registers = {"forced_discharge": "false", "ac_charge": "false", "charge_rate_pct": "100", "discharge_rate_pct": "100"}

    def control(self):
        return preset_control("lxp", serial=self.name, power="5 kW", charge_power="5 kW")

    def filters(self):
        return [f"lxp/cmd/{self.name}/set/+"]

    def take(self, topic, payload):
        register = topic.rsplit("/", 1)[1]
        self.registers[register] = payload
        self.publish(f"lxp/result/{self.name}/set/{register}", "OK")
        r = self.registers
        self.power = float(r["discharge_rate_pct"]) * 50
        if r["forced_discharge"] == "true":
            return "discharge"
        if r["ac_charge"] == "true":
            return "charge"
        return "standby" if r["charge_rate_pct"] == r["discharge_rate_pct"] == "0" else OWN

    def show(self):
        self.publish("lxp/LWT", "online", retain=True)


class Victron(Battery):
    """A GX: a volatile setpoint as JSON, which its watchdog drops unless it is written again; null releases it."""

    commands = {
        "discharge": {"mode": "DISCHARGE", "power_mode": "SETPOINT", "setpoint_w": 2000},
        "charge": {"mode": "CHARGE", "power_mode": "SETPOINT", "setpoint_w": 1500},
    }

    def __init__(self, name, lapses_after=60):
        super().__init__(name)
        self.lapses_after = lapses_after

    def control(self):
        def setpoint(text, **more):
            return {"topic": f"W/{self.name}/hub4/0/Overrides/Setpoint", "payload": '{"value": %s}' % text, **more}

        def told(text):
            return {"topic": f"N/{self.name}/hub4/0/Overrides/Setpoint", "path": "/value", "equals": text, "within": "5s"}

        down, up = "{{ setpoint_w | scale(-1) }}", "{{ setpoint_w }}"
        modes = {
            "DISCHARGE": [setpoint(down, refresh="30s", confirm=told(down))],
            "CHARGE": [setpoint(up, refresh="30s", confirm=told(up))],
        }
        soc = {"topic": f"W/{self.name}/settings/0/Settings/CGwacs/BatteryLife/MinimumSocLimit", "payload": '{"value": 20}'}
        return {"modes": modes, "restore": [setpoint("null"), soc]}

    def filters(self):
        return [f"W/{self.name}/#"]

    def take(self, topic, payload):
        value = json.loads(payload)["value"]
        self.publish(f"N/{topic[2:]}", payload)  # not retained
        if not topic.endswith("Setpoint"):
            return self.mode
        self.power = abs(value) if value is not None else None
        return OWN if value is None else "discharge" if value < 0 else "charge"

    def become(self, mode, now):
        super().become(mode, now)
        if mode == OWN:
            self.power = None


class GivTcp(Battery):
    """GivTCP: forced export and charge for a number of minutes, which are shown on a topic, or Cancel."""

    commands = {
        "discharge": {"mode": "DISCHARGE", "power_mode": "SETPOINT", "setpoint_w": 2000},
        "charge": {"mode": "CHARGE", "power_mode": "SETPOINT", "setpoint_w": 1500},
        "standby": {"mode": "STANDBY"},
    }
    timed = ("forceExport", "forceCharge", "tempPauseDischarge", "tempPauseCharge")
    shown = {"forceExport": "Force_Export", "forceCharge": "Force_Charge"}

    def __init__(self, name):
        super().__init__(name)
        self.until = dict.fromkeys(self.timed, 0.0)

    def control(self):
        return preset_control("givtcp", serial=self.name, mode="Eco", reserve="4", discharge_rate="2600", charge_rate="2600")

    def filters(self):
        return [f"GivEnergy/control/{self.name}/+"]

    def present(self, now):
        running = {f for f, end in self.until.items() if end > now}
        if "forceExport" in running:
            return "discharge"
        if "forceCharge" in running:
            return "charge"
        return "standby" if {"tempPauseDischarge", "tempPauseCharge"} <= running else OWN

    def take(self, topic, payload):
        function, now = topic.rsplit("/", 1)[1], time.time()
        if function in self.timed:
            self.until[function] = 0.0 if payload == "Cancel" else now + 60 * int(payload)
        if function in self.shown:
            self.publish(f"GivEnergy/{self.name}/Control/{self.shown[function]}", "Normal" if payload == "Cancel" else "Running", retain=True)
        if function == "setDischargeRate":
            self.power = float(payload)
        return self.present(now)

    def lapse(self, now):
        self.become(self.present(now), now)

    def show(self):
        self.publish(f"GivEnergy/{self.name}/Stats/status", "online", retain=True)


class Evcc(Battery):
    """evcc: a mode on loan; no setpoint, no forced discharge. Its present mode is on a retained topic."""

    commands = {
        "hold": {"mode": "CHARGE", "power_mode": "FOLLOW_LOAD"},
        "charge": {"mode": "BACKUP"},
    }

    def __init__(self, name, lapses_after=60):
        super().__init__(name)
        self.lapses_after = lapses_after

    def control(self):
        control = preset_control("evcc", prefix=self.name)
        # A second publish, so that there is a time between two of them.
        control["modes"] = {k: [*v, {"topic": f"{self.name}/loadpoints/1/mode/set", "payload": "pv"}] for k, v in control["modes"].items()}
        control["restore"].append({"topic": f"{self.name}/loadpoints/1/mode/set", "payload": "now"})
        return control

    def filters(self):
        return [f"{self.name}/site/batteryMode/set", f"{self.name}/loadpoints/1/mode/set"]

    def take(self, topic, payload):
        if not topic.endswith("batteryMode/set"):
            return self.mode
        self.publish(f"{self.name}/site/batteryMode", payload, retain=True)
        return OWN if payload == "normal" else payload

    def fall_back(self):
        self.publish(f"{self.name}/site/batteryMode", "normal", retain=True)

    def show(self):
        self.publish(f"{self.name}/status", "online", retain=True)


DIALECTS = {"solarassistant": SolarAssistant, "lxp": Lxp, "victron": Victron, "givtcp": GivTcp, "evcc": Evcc}


class House:
    """The integrations of all batteries on one connection, which comes back soon after the broker."""

    def __init__(self, broker, batteries):
        self.batteries = batteries
        self.granted = 0  # connections whose subscriptions were answered
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.client = paho.Client(protocol=paho.MQTTv5)
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = self._on_subscribe
        self.client.on_message = self._on_message
        self.client.reconnect_delay_set(0.1, 0.2)
        for battery in batteries:
            battery.publish = self._publish
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        self.clock = threading.Thread(target=self._pass_time, daemon=True)
        self.clock.start()
        until(lambda: self.granted > 0, what="the batteries' subscriptions")

    def _publish(self, topic, payload, retain=False):
        self.client.publish(topic, payload, 1, retain)

    def _on_connect(self, client, userdata, flags, reason, properties=None):
        if reason == 0:
            client.subscribe([(f, 1) for b in self.batteries for f in b.filters()])

    def _on_subscribe(self, client, userdata, mid, granted, properties=None):
        with self.lock:
            self.granted += 1
            for battery in self.batteries:
                battery.show()

    def _on_message(self, client, userdata, message):
        with self.lock:
            for battery in self.batteries:
                if any(paho.topic_matches_sub(f, message.topic) for f in battery.filters()):
                    battery.hear(message.topic, message.payload.decode())

    def _pass_time(self):
        while not self.over.wait(0.05):
            with self.lock:
                for battery in self.batteries:
                    battery.lapse(time.time())

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.over.set()
        self.clock.join()
        self.client.disconnect()
        self.client.loop_stop()
