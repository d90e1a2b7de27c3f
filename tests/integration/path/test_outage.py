"""No point that was reported as pending is ever lost: not by an outage of the cloud, not by a lost answer, not by kill -9."""
import random

import pytest
from harness import until

TELEMETRY = "flip2mqtt/device/battery-1/telemetry"


def keys(messages):
    """Start times of the points that were told as pending."""
    told = [m.json() for m in messages]
    return {t["point"]["start_time"] for t in told if t["upload"]["state"] == "pending"}


def feed(mqtt, points, soc=50):
    """Publishes readings until so many more points are closed."""
    before = len(keys(mqtt.messages(TELEMETRY)))
    n = 0
    while len(keys(mqtt.messages(TELEMETRY))) < before + points:
        since = mqtt.mark()
        n += 1
        mqtt.publish("battery/soc", str(soc + n % 40))
        mqtt.publish("battery/power", str(100 * (n % 20)))
        mqtt.wait_for(TELEMETRY, lambda m: m.json()["upload"]["state"] == "pending", since=since)


def all_arrived(mqtt, sim):
    """Every point told as pending is in the cloud, once, with one content."""
    pending = keys(mqtt.messages(TELEMETRY))

    def arrived():
        return pending <= {p["start_time"] for p in sim.points("battery-1")}

    until(arrived, 40, lambda: f"{len(pending)} points; {sim.stats()}")
    stats = sim.stats()
    assert stats["conflicts"] == 0 and stats["overlaps"] == 0 and stats["rejected"] == 0, stats


def test_an_outage_of_the_cloud_heals_without_loss(bridge, mqtt, sim):
    mqtt.subscribe("flip2mqtt/#")
    bridge.start_online(mqtt)
    feed(mqtt, 2)
    mqtt.wait_for("flip2mqtt/cloud/state", "online")
    sim.outage()
    since = mqtt.mark()
    feed(mqtt, 5)
    mqtt.wait_for("flip2mqtt/cloud/state", "offline", 30, since)
    sim.outage(False)
    feed(mqtt, 1)
    all_arrived(mqtt, sim)
    mqtt.wait_for("flip2mqtt/cloud/state", "online", 30, since)
    bridge.stop()


@pytest.mark.parametrize(
    "fault",
    [
        {"reset": "after"},
        {"reset": "before"},
        {"status": 503, "retry_after": "1"},
        {"invalid_body": "html"},
        {"truncate_at": 5},
        {"status": 429, "retry_after": "1"},
    ],
    ids=lambda f: "-".join(f"{k}={v}" for k, v in f.items()),
)
def test_an_unclear_or_temporary_answer_is_tried_again(bridge, mqtt, sim, fault):
    sim.fault(path="/v1/telemetry", count=1, **fault)
    mqtt.subscribe("flip2mqtt/#")
    bridge.start_online(mqtt)
    feed(mqtt, 2)
    until(lambda: sim.stats()["telemetry_requests"] >= 2, 30, "a second attempt")
    all_arrived(mqtt, sim)
    bridge.stop()


def test_kill_9_loses_no_closed_point(bridge, mqtt, sim):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    mqtt.subscribe("flip2mqtt/#")
    for _ in range(4):
        bridge.start_online(mqtt)
        feed(mqtt, chance.randint(1, 3))
        for n in range(chance.randint(0, 30)):  # somewhere in the middle of something
            mqtt.publish("battery/power", str(n))
        bridge.kill()
    bridge.start_online(mqtt)
    feed(mqtt, 1)
    all_arrived(mqtt, sim)
    bridge.stop()


def test_a_rejected_point_is_kept_and_told_with_the_reason(bridge, mqtt, sim):
    sim.fault(path="/v1/telemetry", item={"index": 0}, failed="out of range", count=1)
    mqtt.subscribe("flip2mqtt/#")
    bridge.start_online(mqtt)
    feed(mqtt, 2)
    health = mqtt.wait_for("flip2mqtt/bridge/health", lambda m: m.json()["outbox"]["rejected"] == 1, 30)
    assert health.json()["outbox"]["rejected"] == 1
    listed = bridge.command("outbox", "list")
    assert listed.returncode == 0 and "out of range" in listed.stdout, listed
    bridge.stop()


def test_uploads_pause_while_the_token_is_refused(bridge, mqtt, sim):
    mqtt.subscribe("flip2mqtt/#")
    sim.control("POST", "token", {"client": "revoke"})
    bridge.start_online(mqtt)
    feed(mqtt, 3)
    mqtt.wait_for("flip2mqtt/cloud/state", "offline", 30)
    assert sim.stats()["telemetry_requests"] <= 2
    assert sim.points("battery-1") == []
    sim.control("POST", "token", {"client": "accept"})
    bridge.reload()  # ends the pause at once instead of within the minute
    all_arrived(mqtt, sim)
    bridge.stop()
