"""Many batteries at once: their configuration, their traffic, and what became of their points."""
import re
import threading

from harness.bridge import home_config
from harness.process import until



def fleet_config(broker, sim, folder, count, interval="1s", **overrides):
    """`count` batteries battery-0…, on battery/<n>/soc and battery/<n>/power."""
    config = home_config(broker, sim, folder, interval, **overrides)
    (device,) = config["sites"][0]["devices"]
    config["sites"][0]["devices"] = [
        {
            **device,
            "id": f"battery-{n}",
            "telemetry": {
                "interval": interval,
                "sources": {
                    "state_of_charge": {"topic": f"battery/{n}/soc", "unit": "%"},
                    "battery_power": {"topic": f"battery/{n}/power", "unit": "W", "positive": "charging"},
                },
            },
        }
        for n in range(count)
    ]
    return config


class Traffic(threading.Thread):
    """Publishes readings of every battery, over and over, until the `with` block ends; `rounds` counts."""

    def __init__(self, mqtt, count, every=0.2):
        super().__init__(daemon=True)
        self.mqtt, self.count, self.every, self.rounds = mqtt, count, every, 0
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(self.every):
            self.rounds += 1
            for n in range(self.count):
                self.mqtt.client.publish(f"battery/{n}/soc", str((self.rounds + n) % 100))
                self.mqtt.client.publish(f"battery/{n}/power", str(self.rounds * 7 % 5000 - 2500))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.over.set()
        self.join()


def key(point):
    return point["device_id"], point["start_time"]


class Told:
    """What MQTT reported of points: {key: point} by upload state. Reads each message once."""

    def __init__(self, mqtt, base="flip2mqtt"):
        self.mqtt, self.place = mqtt, mqtt.mark()
        self.topic = re.compile(re.escape(base) + "/device/[^/]+/telemetry")
        self.states = {"pending": {}, "sent": {}, "rejected": {}}
        self.reasons = {}

    def read(self):
        end = self.mqtt.mark()
        for message in self.mqtt.seen[self.place : end]:
            if self.topic.fullmatch(message.topic) and message.payload:
                body = message.json()
                self.states[body["upload"]["state"]][key(body["point"])] = body["point"]
                self.reasons[key(body["point"])] = body["upload"]["message"]
        self.place = end
        return self

    @property
    def pending(self):
        """Everything that was ever reported as pending."""
        return self.read().states["pending"]

    def wait(self, count, state="pending", timeout=30):
        """Until so many points were in that state; returns them."""

        def enough():
            return len(self.read().states[state]) >= count

        until(enough, timeout, lambda: f"{count} points {state}; {len(self.states[state])}", 0.05)
        return dict(self.states[state])


def all_arrive(sim, points, timeout=40, but=()):
    """Every point (a dict by key) but those is in the cloud exactly as MQTT told it, and the cloud saw no two contents
    of one key, no overlap, and rejected nothing else."""
    wanted = {k: v for k, v in points.items() if k not in but}

    def missing():
        there = {key(p) for p in sim.points()}
        return [k for k in wanted if k not in there]

    until(lambda: not missing(), timeout, lambda: f"{len(missing())} of {len(wanted)} points, first {missing()[:3]}; {sim.stats()}", 0.2)
    there = {key(p): p for p in sim.points()}
    for k, point in wanted.items():
        assert {name: there[k][name] for name in point} == point
    stats = sim.stats()
    assert stats["conflicts"] == 0 and stats["overlaps"] == 0, (stats, sim.problems())
    return there
