"""What the fault tests share: scenes that run side by side, each with a bridge and a cloud of its own, fed by the same
batteries. Every scene ends with the invariant: nothing lost, nothing twice with other content, no secret told."""
import concurrent.futures
import dataclasses
import os
import pathlib
import time

from harness import Bridge, Broker, FlipSim, Mqtt, until
from harness.fleet import Told, all_arrive, fleet_config

DEVICES = 2
SLOW = os.environ.get("F2M_SLOW_TESTS") == "1"
HOME = {"sites": [{"id": "home-1", "zip_code": "88800"}]}
CANARY = "canary-4c8f1d"  # part of every secret


@dataclasses.dataclass
class Ground:
    """What the scenes share. The batteries are fed all the time."""

    folder: pathlib.Path
    broker: Broker
    login: dict = dataclasses.field(default_factory=dict)  # of the test's clients

    def folder_of(self, name):
        path = self.folder / name
        path.mkdir()
        return path


class Scene:
    """With-block: flip-sim and the bridge run, and the first points are told. `change` gets the configuration before it
    is written; `how` is how the bridge is started (Bridge.start)."""

    def __init__(self, name, ground, env=None, change=None, **how):
        self.name, self.broker, self.login = name, ground.broker, ground.login
        self.mqtt = Mqtt(self.broker, f"{name}/#", **self.login)  # its own: one for all would wake every scene for every message
        self.folder = ground.folder_of(name)
        self.sim = FlipSim(self.folder, token=f"{CANARY}-{name}", seed=HOME)
        mqtt_section = {"server": self.broker.url, "base_topic": name}
        config = fleet_config(self.broker, self.sim, self.folder, DEVICES, mqtt=mqtt_section)
        if change:
            change(config)
        self.bridge = Bridge(self.folder, config, env=env, base=name)
        self.told = Told(self.mqtt, name)
        self.how = how

    def __enter__(self):
        self.start(**self.how)
        return self

    def start(self, points=2, **how):
        self.bridge.start_online(self.mqtt, timeout=60, **how)
        self.more(points)

    def more(self, points):
        """Until so many more points are told."""
        self.told.wait(len(self.told.pending) + points, timeout=60)

    def client_id(self):
        return self.bridge.wait_log(r"started.* client_id=(\S+)").group(1)

    def health(self, holds, what, timeout=60):
        """Until bridge/health says so."""
        since = max(0, self.mqtt.mark() - 50)
        try:
            return self.mqtt.wait_for(f"{self.name}/bridge/health", lambda m: holds(m.json()), timeout, since).json()
        except AssertionError as error:
            raise AssertionError(f"{self.name}: health never shows {what}; {error}") from None

    def met(self):
        """How often the cloud's faults were met."""
        rules = self.sim.control("GET", "fault")
        return sum(r["hits"] for r in (rules["rules"] if isinstance(rules, dict) else rules))

    def hits(self, count):
        until(lambda: self.met() >= count, 60, lambda: f"{self.name}: {self.met()} of {count} faults met", 0.1)

    def ends_well(self, but=(), problems=False):
        """The invariant, and a health that is clean again."""
        all_arrive(self.sim, self.told.pending, 90, but)
        self.health(lambda h: h["cloud_reachable"] and h["disk"] == "ok" and (problems or not h["problems"]), "the end of the fault")
        self.bridge.stop()
        self.no_secret_told()

    def no_secret_told(self):
        logs = "\n".join([*self.bridge.logs, self.bridge.log()])
        assert CANARY not in logs, f"{self.name}: a secret in the log"
        for message in self.mqtt.messages("#"):
            assert CANARY.encode() not in message.payload, f"a secret on {message.topic}"
        for path in self.folder.glob("flip2mqtt.db*"):
            assert CANARY.encode() not in path.read_bytes(), f"a secret in {path}"

    def __exit__(self, kind, *rest):
        self.mqtt.close()
        if kind is None:
            self.bridge.close()
            self.sim.close()


def side_by_side(ground, scenes):
    """{name: function(ground)}: all at once; tells every one that failed."""
    failed, begun = [], time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(len(scenes)) as pool:
        running = {pool.submit(function, ground): name for name, function in scenes.items()}
        for done in concurrent.futures.as_completed(running):
            print(f"{running[done]}: done after {time.monotonic() - begun:.0f} s")
            error = done.exception()
            if error:
                failed.append(f"{running[done]}: {type(error).__name__}: {str(error)[:2000]}")
    assert not failed, "\n\n".join(failed)
