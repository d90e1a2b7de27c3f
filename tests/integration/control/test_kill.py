"""kill -9 of the bridge in every phase of a command, for every dialect: when it is back the battery is in the mode that
it should be in, at the end in its own, and Flip has the truth."""
import concurrent.futures
import os
import random
import time

import pytest
from batteries import DIALECTS, OWN, Evcc, House, Victron
from harness import Bridge, Mqtt, home_config, until

SLOW = os.environ.get("F2M_SLOW_TESTS") == "1"
LEASE_S = 2.2


class Scene:
    """A battery with a bridge of its own; broker and flip-sim are shared by all scenes."""

    def __init__(self, folder, broker, sim, mqtt, battery):
        self.sim, self.mqtt, self.battery = sim, mqtt, battery
        self.id, self.starts, self.ends = f"{battery.name}-c", None, None
        self.expected = sorted(battery.commands)[0]
        folder.mkdir()
        config = home_config(broker, sim, folder)
        config["mqtt"]["base_topic"] = f"f2m/{battery.name}"
        config["flip"]["poll"] = {"commands": "1s"}
        config["homeassistant"] = {"enabled": False}
        config["sites"][0]["devices"] = [battery.device(delay="1s", within="2s", refresh="1s")]
        self.bridge = Bridge(folder, config, base=f"f2m/{battery.name}")

    def command(self, starts_in, lasts):
        orders = self.battery.commands[self.expected]
        sent = {"id": self.id, "device_id": self.battery.name, "starts_in_s": starts_in, "duration_s": lasts, **orders}
        self.starts = time.time() + starts_in
        self.ends = self.starts + lasts
        self.sim.control("POST", "command", sent)

    def start(self):
        self.bridge.start()
        self.bridge.wait_log("online: every")

    def pass_until(self, wall):
        until(lambda: time.time() >= wall, wall - time.time() + 5)

    def wait_mode(self, mode, timeout=15):
        until(lambda: self.battery.mode == mode, timeout, lambda: f"{self.battery.name} to be in {mode}: {self.battery.history} {self.battery.writes}")

    def wait_writes(self, more, timeout=15):
        since = len(self.battery.writes)
        until(lambda: len(self.battery.writes) >= since + more, timeout, lambda: f"{more} writes after {self.battery.writes}")

    def wait_log(self, what):
        self.bridge.wait_log(what, 20)

    def answer(self):
        (command,) = [c for c in self.sim.state()["commands"] if c["id"] == self.id]
        return command["device_status"], command["device_status_reason"]

    def wait_answer(self, status, reason=""):
        until(lambda: self.answer()[0] == status and reason in self.answer()[1], 20, lambda: f"{self.id} {status}: {self.answer()}")


# Each kills once, starts again, and leaves a battery that is (or will be) in the command's mode until its end; those that
# return True have seen to the end themselves.


def received(s):
    s.command(3.5, 3)
    s.wait_log('"command received"')
    s.bridge.kill()
    s.start()
    s.wait_mode(s.expected)
    assert s.battery.history[-1][0] >= s.starts


def over_while_away(s):
    s.command(2, 1.5)
    s.wait_log('"command acknowledged"')
    s.bridge.kill()
    s.pass_until(s.ends)
    s.start()
    s.wait_answer("FAILED_FAULT", "already over")
    assert s.battery.writes == []
    return True


def starting(s):
    s.command(1.5, 5)
    s.wait_writes(1)  # of two or more, with a pause between them
    s.bridge.kill()
    since = len(s.battery.writes)
    s.start()
    until(lambda: len(s.battery.writes) > since, 10, "the mode to be published again")
    s.wait_mode(s.expected)
    first, again = s.battery.topics_written()[0], s.battery.topics_written(since)
    assert again[0] == first  # from the beginning


def confirming(s):
    s.battery.mute = True
    s.command(1.5, 5)
    s.wait_writes(1)
    s.bridge.kill()
    s.battery.mute = False
    s.start()
    s.wait_mode(s.expected)


def running(s):
    s.command(1.5, 5)
    s.wait_mode(s.expected)
    s.bridge.kill()
    since = len(s.battery.writes)
    s.start()
    until(lambda: len(s.battery.writes) > since, 10, "the mode to be published again")
    s.wait_mode(s.expected)


def over_while_running_and_away(s):
    s.command(1.5, 3)
    s.wait_mode(s.expected)
    s.bridge.kill()
    s.pass_until(s.ends)
    s.start()
    s.wait_mode(OWN)


def refreshing(s):
    s.command(1.5, 7.5)
    s.wait_mode(s.expected)
    if s.battery.lapses_after:
        first = s.battery.topics_written()[-1]
        s.wait_writes(s.battery.topics_written().count(first) + 1)
        s.bridge.kill()
        s.wait_mode(OWN)  # by itself
    else:
        s.bridge.kill()
    s.start()
    s.wait_mode(s.expected)


def ending(s):
    s.command(1.5, 4)
    s.wait_mode(s.expected)
    s.pass_until(s.ends - 0.2)
    since = len(s.battery.writes)
    last = s.battery.control()["restore"][-1]
    until(lambda: [w for w in s.battery.writes[since:] if w[0] >= s.ends], 10, "the restore to begin")
    s.bridge.kill()
    since = len(s.battery.writes)
    s.start()
    s.wait_mode(OWN)
    until(lambda: (last["topic"], last["payload"]) in [w[1:] for w in s.battery.writes[since:]], 20, "the whole restore")


def restoring(s):
    s.command(1.5, 4)
    s.wait_mode(s.expected)
    s.pass_until(s.ends - 0.2)
    s.battery.mute = True
    s.battery.lapses_at = None
    until(lambda: [w for w in s.battery.writes if w[0] >= s.ends], 10, "the restore to begin")
    s.bridge.kill()
    s.battery.mute = False
    s.start()
    s.wait_mode(OWN)


def acknowledging(s):
    s.sim.fault(path=f"/v1/command/{s.id}", status=503, count=3)
    s.command(5, 2)
    until(lambda: s.sim.requests(f"/v1/command/{s.id}")["requests"], 15, "an acknowledgement that fails")
    assert s.answer()[0] == "PENDING"
    s.bridge.kill()
    s.start()
    s.wait_answer("OK", "scheduled")
    s.wait_mode(s.expected)


PHASES = [received, over_while_away, starting, confirming, running, over_while_running_and_away, refreshing, ending, restoring, acknowledging]


def play(scene, phase):
    with scene.bridge:
        scene.start()
        over = phase(scene)
        if not over:
            scene.pass_until(scene.ends)
            scene.wait_mode(OWN)
            scene.wait_answer("OK")
        topic = scene.bridge.topic(f"device/{scene.battery.name}/control")
        scene.mqtt.wait_for(topic, lambda m: m.json()["owner"] == "local" and m.json()["next"] is None, timeout=10)
        until(lambda: "own mode" in scene.bridge.log() or over, 20, lambda: f"the end of the restore: {scene.bridge.log()}")
        assert scene.battery.mode == OWN
        scene.bridge.stop()


def make(name, kind):
    return kind(name, LEASE_S) if kind in (Evcc, Victron) else kind(name)


@pytest.mark.parametrize("dialects", [list(DIALECTS)] if SLOW else [[random.choice(list(DIALECTS))]])
def test_killed_in_every_phase(tmp_path, broker, sim, dialects):
    plays = [(dialect, phase) for dialect in dialects for phase in PHASES]
    batteries = {(d, p): make(f"{d}-{p.__name__}", DIALECTS[d]) for d, p in plays}
    failures = {}
    with House(broker, list(batteries.values())), Mqtt(broker, "f2m/#") as mqtt:
        with concurrent.futures.ThreadPoolExecutor(5 if SLOW else len(plays)) as pool:
            scenes = {k: Scene(tmp_path / b.name, broker, sim, mqtt, b) for k, b in batteries.items()}
            jobs = {k: pool.submit(play, scene, k[1]) for k, scene in scenes.items()}
            for (dialect, phase), job in jobs.items():
                if job.exception():
                    failures[f"{dialect} killed while {phase.__name__}"] = repr(job.exception())
    print(f"{len(plays)} kills: {', '.join(dialects)}")
    assert not failures, "\n".join(f"{k}: {v}" for k, v in failures.items())
