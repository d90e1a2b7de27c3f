"""Commands on several batteries of different dialects, while the broker is killed and the cloud goes away at random:
every start and end reaches the battery within a second where the broker is there, what was missed is told once on its
return as it is then, nothing stale ever, and every command is answered truthfully and over in the end."""
import bisect
import os
import random
import re
import threading
import time

from batteries import DIALECTS, OWN, House
from harness import Bridge, home_config, until

SLOW = os.environ.get("F2M_SLOW_TESTS") == "1"
DEVICES, EACH = (10, 10) if SLOW else (5, 2)
LATE_S = 1.0
RETURN_S = 3.0  # after all are back: where the batteries came after the bridge it tries again after two seconds


class Plan:
    """What a battery is to do: its commands, and the mode that it should be in at a wall time."""

    def __init__(self, chance, battery, begin):
        self.battery, self.commands, at = battery, [], begin + chance.uniform(0, 1.5)
        for n in range(EACH):
            mode = chance.choice(sorted(battery.commands))
            end = at + chance.uniform(1.5, 5 if SLOW else 2.5)
            self.commands.append({"id": f"{battery.name}-c{n}", "from": at, "to": end, "mode": mode})
            at = end + chance.choice([0, chance.uniform(1.2, 3 if SLOW else 2)])  # also back to back
        self.over = self.commands[-1]["to"]

    def create(self, sim):
        for c in self.commands:
            times = {"starts_at": rfc3339(c["from"]), "ends_at": rfc3339(c["to"])}
            sim.control("POST", "command", {"id": c["id"], "device_id": self.battery.name, **times, **self.battery.commands[c["mode"]]})

    def mode_at(self, wall):
        return next((c["mode"] for c in self.commands if c["from"] <= wall < c["to"]), OWN)

    def bounds(self):
        return sorted({t for c in self.commands for t in (c["from"], c["to"])})


def rfc3339(wall):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(wall)) + f".{int(wall % 1 * 1000):03d}Z"


class Trouble(threading.Thread):
    """Kills and restarts the broker, and lets the cloud go away, until the end; `windows` are the times at which the
    broker, the bridge and the batteries were connected."""

    def __init__(self, chance, broker, sim, bridge, house, until_wall):
        super().__init__(daemon=True)
        self.chance, self.broker, self.sim, self.bridge, self.house = chance, broker, sim, bridge, house
        self.until_wall, self.windows, self.kills, self.outages = until_wall, [], 0, 0
        self.error = None

    def run(self):
        try:
            self.windows.append([time.time() - RETURN_S, None])
            while time.time() < self.until_wall and (SLOW or self.kills == 0):
                pause(self.chance.uniform(2, 12) if SLOW else 3)
                if self.outages == 0 or self.chance.random() < 0.5:
                    self.cloud_goes()
                self.broker_goes()
            pause(max(0, self.until_wall - time.time()))
            self.sim.outage(False)
            self.windows[-1][1] = time.time()
        except Exception as error:  # handed to the test
            self.error = error

    def cloud_goes(self):
        self.outages += 1
        self.sim.outage(True)
        threading.Timer(self.chance.uniform(1, 6), lambda: self.sim.outage(False)).start()

    def broker_goes(self):
        lines, granted = len(self.bridge.process.lines), self.house.granted
        self.windows[-1][1] = time.time()
        self.kills += 1
        self.broker.kill()
        pause(self.chance.uniform(1.3, 5) if SLOW else 1.3)  # long enough for the bridge to see it
        self.broker.start()
        self.bridge.wait_log("online", 20, since=lines)
        until(lambda: self.house.granted > granted, 20, "the batteries' connection")
        self.windows.append([time.time(), None])


def pause(seconds):
    """The time at which something breaks is what the test is about."""
    end = time.monotonic() + seconds
    until(lambda: time.monotonic() >= end, seconds + 5)


def check_battery(plan, windows):
    """At every moment of a connection, but for the second after a start, an end or a return, the mode is right."""
    bounds, battery, latest = plan.bounds(), plan.battery, 0.0
    for begin, end in windows:
        at = begin + RETURN_S
        while at < end:
            last = bisect.bisect_right(bounds, at)
            since = at - bounds[last - 1] if last else 60
            wanted = plan.mode_at(at)
            if since >= LATE_S:
                assert battery.mode_at(at) == wanted, (
                    f"{battery.name} is in {battery.mode_at(at)} instead of {wanted} {since:.2f} s after {rfc3339(bounds[last - 1]) if last else 'nothing'}"
                    f" at {rfc3339(at)}: {plan.commands} {battery.history}"
                )
            at += 0.05
        for bound in bounds:
            if begin + RETURN_S <= bound and bound + LATE_S < end:
                changed = [t for t, mode in battery.history if bound - 0.01 <= t < bound + LATE_S and mode == plan.mode_at(bound)]
                latest = max([latest, *(t - bound for t in changed[:1])])
    for at, mode in battery.history[1:]:
        assert mode == OWN or any(c["mode"] == mode and c["from"] - 0.01 <= at <= c["to"] + 0.2 for c in plan.commands), (
            f"{battery.name} got a stale {mode} at {rfc3339(at)}: {plan.commands}"
        )
    return latest


def test_every_start_and_end_reaches_the_battery(tmp_path, broker, sim):
    seed = int(os.environ.get("F2M_SEED") or random.randrange(1 << 32))
    print(f"seed {seed} (F2M_SEED={seed} runs it again)")
    chance = random.Random(seed)
    kinds = list(DIALECTS.values())
    batteries = [kinds[n % len(kinds)](f"b{n}") for n in range(DEVICES)]
    config = home_config(broker, sim, tmp_path)
    config["flip"]["poll"] = {"commands": "1s"}
    config["sites"][0]["devices"] = [b.device() for b in batteries]
    with House(broker, batteries) as house, Bridge(tmp_path, config) as bridge:
        bridge.start()
        bridge.wait_log("online")
        plans = [Plan(chance, b, time.time() + (8 if SLOW else 2)) for b in batteries]
        for plan in plans:
            plan.create(sim)
        ids = [c["id"] for plan in plans for c in plan.commands]
        for each in ids:
            bridge.wait_log(rf'"command received" command={each} ')
        over = max(plan.over for plan in plans)
        trouble = Trouble(chance, broker, sim, bridge, house, over + 1)
        trouble.start()
        trouble.join(over - time.time() + 60)
        assert not trouble.is_alive() and not trouble.error, repr(trouble.error)
        until(lambda: all(b.mode == OWN for b in batteries), 10, lambda: str([(b.name, b.mode, b.writes[-3:]) for b in batteries]))
        latest = max(check_battery(plan, trouble.windows) for plan in plans)
        check_answers(sim, bridge, ids)
        print(f"{len(ids)} commands, {trouble.kills} kills of the broker, {trouble.outages} outages; latest {latest * 1000:.0f} ms")
        bridge.stop()


def check_answers(sim, bridge, ids):
    def statuses():
        return {c["id"]: (c["device_status"], c["device_status_reason"]) for c in sim.state()["commands"]}

    until(lambda: all(status != "PENDING" for status, _ in statuses().values()), 30, lambda: str(statuses()))
    there = statuses()
    assert set(there) == set(ids), "a command was given up and sent again"
    for each in ids:
        told = re.findall(rf'"command (received|started|ended|replaced|failed|rejected|canceled)" command={each} device', bridge.log())
        assert told == ["received", "started", "ended"], (each, told)
        status, reason = there[each]
        assert status == "OK" or (status == "FAILED_OFFLINE" and reason.startswith("nobody listens on")), (each, there[each])
