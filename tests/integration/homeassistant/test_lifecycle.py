"""What is announced is there after every restart of anything, and goes when it is not configured any more."""
import contextlib
import copy
import pathlib
import sqlite3
import sys

import pytest
from harness import Bridge, Broker, Mqtt, home_config, until
from harness.discovery import Announced, check_home

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import home as h  # noqa: E402

TOPIC = "homeassistant/device/flip2mqtt_{}/config"
BRIDGE, SITE = TOPIC.format("bridge_home-1"), TOPIC.format("site_home-1")
FIRST, SECOND = TOPIC.format("device_battery-1"), TOPIC.format("device_b_2_ede3cc3d")
ANNOUNCED = 8  # F2M_STORE_ANNOUNCED


@pytest.fixture
def config(broker, sim, tmp_path):
    """Two batteries; the id of the second holds what Home Assistant's topics may not."""
    config = home_config(broker, sim, tmp_path)
    devices = config["sites"][0]["devices"]
    devices.append(copy.deepcopy(devices[0]))
    devices[1].update(id="b/2", name="Cellar")
    devices[1]["telemetry"]["sources"] = {"state_of_charge": {"topic": "cellar/soc", "unit": "%"}}
    return config


@pytest.fixture
def world(broker, config, tmp_path):
    with Mqtt(broker, "#") as mqtt, Bridge(tmp_path, config) as bridge:
        bridge.start_online(mqtt)
        until(lambda: len(h.held(mqtt)) == 4, 15, "four devices")
        yield mqtt, bridge


def topics(mqtt, since=0, prefix="homeassistant"):
    """What was published below the discovery topic, in order."""
    return [(m.topic, m.payload) for m in h.configs(mqtt, since, prefix)]


def retained(broker, prefix="homeassistant"):
    """What the broker holds for somebody who comes now."""
    with Mqtt(broker, f"{prefix}/#", "flip2mqtt/bridge/health") as now:
        now.wait_for("flip2mqtt/bridge/health")  # behind everything that was retained before, as the broker goes
        return {m.topic: m.payload for m in now.messages(f"{prefix}/device/+/config")}


def test_births_and_restarts(world, broker):
    mqtt, bridge = world
    before = h.held(mqtt)
    check_home(before)

    since = mqtt.mark()  # Home Assistant restarts
    mqtt.publish("homeassistant/status", "offline")
    mqtt.publish("homeassistant/status", "online")
    until(lambda: len(topics(mqtt, since)) == 4, 8, "all configurations, 1 to 5 s after the birth")
    last = max(i for i, m in enumerate(mqtt.seen) if m.topic in before)
    for topic in ("bridge/state", "bridge/health", "cloud/state", "site/home-1/event", "device/b%2F2/control", "device/battery-1/pause",
                  "device/battery-1/state"):  # fmt: skip
        mqtt.wait_for(f"flip2mqtt/{topic}", since=last)
    assert dict(topics(mqtt, since)) == before
    assert len(topics(mqtt, since)) == 4, "once each"

    broker.restart()  # and has lost everything
    with Mqtt(broker, "#") as later:
        bridge.wait_online(later, 0, 30)
        until(lambda: h.held(later) == before, 15, "the same configurations")
        assert {m.retain for m in h.configs(later)} == {False}
    assert retained(broker) == before

    with Mqtt(broker, "#") as later:
        bridge.stop()
        bridge.start_online(later)
        until(lambda: len(topics(later)) == 4, 15, "all of them again")
        assert dict(topics(later)) == before
    assert retained(broker) == before


def test_what_is_not_configured_any_more_goes(world, broker, config):
    mqtt, bridge = world
    since = mqtt.mark()
    smaller = copy.deepcopy(config)
    smaller["sites"][0]["devices"].pop()
    del smaller["sites"][0]["devices"][0]["telemetry"]["sources"]["battery_power"]
    bridge.write(smaller)
    bridge.reload()
    until(lambda: len(topics(mqtt, since)) == 5, 15, "the second battery's end, and what is left of the first")
    sent = topics(mqtt, since)
    assert sent[0] == (SECOND, b"")
    assert [topic for topic, _ in sent[1:]] == [BRIDGE, SITE, FIRST, FIRST]
    removing, after = (Announced(*item) for item in sent[-2:])
    gone = {"battery_power", "battery_charge_power", "battery_discharge_power"}
    assert removing.removed == dict.fromkeys(gone, "sensor")
    assert not gone & set(after.components) and not after.removed
    assert "state_of_charge" in removing.components

    since = mqtt.mark()
    moved = {**smaller, "homeassistant": {"discovery_topic": "ha/discovery"}}
    bridge.write(moved)
    bridge.reload()
    until(lambda: len(h.held(mqtt, since, "ha/discovery")) == 3, 15, "all below the other topic")
    assert {payload for _, payload in topics(mqtt, since)} == {b""} and len(topics(mqtt, since)) == 3
    check_home(h.held(mqtt, since, "ha/discovery"))
    assert retained(broker) == {} and len(retained(broker, "ha/discovery")) == 3

    bridge.stop()  # also where it is switched off while the bridge is down
    bridge.write({**moved, "homeassistant": {"enabled": False}})
    since = mqtt.mark()
    bridge.start_online(mqtt)
    until(lambda: len(h.configs(mqtt, since, "ha/discovery")) == 3, 15, "an end of all")
    assert retained(broker, "ha/discovery") == retained(broker) == {}
    mqtt.publish("homeassistant/status", "online")
    assert records_after_stop(mqtt, bridge) == {}
    assert h.configs(mqtt, since) == []


def records_after_stop(mqtt, bridge):
    """What the bridge remembers to have announced: topics. Records hold a check sum behind their text."""
    mqtt.request("outbox/stats")  # its answer comes after all that the broker acknowledged before
    bridge.stop()
    with contextlib.closing(sqlite3.connect(bridge.folder / "flip2mqtt.db")) as db:
        rows = db.execute("SELECT key, value FROM record WHERE collection = ?", (ANNOUNCED,)).fetchall()
    return {key.split("/", 1)[1]: value for key, value in rows if key.startswith("homeassistant/")}


def test_what_went_while_the_bridge_was_down_goes_at_its_start(world, config):
    """As after an upgrade: the record of what was announced has what is no more (unit tests have other platforms)."""
    mqtt, bridge = world
    assert b'"battery_power":"sensor"' in records_after_stop(mqtt, bridge)[FIRST]
    del config["sites"][0]["devices"][0]["telemetry"]["sources"]["battery_power"]
    config["sites"][0]["devices"][1]["id"] = "b-3"
    bridge.write(config)
    since = mqtt.mark()
    bridge.start_online(mqtt)
    until(lambda: len(topics(mqtt, since)) == 6, 15, "the end of the old, and all of the new")
    sent = topics(mqtt, since)
    assert sent[0] == (SECOND, b"")
    removing, after = (Announced(*item) for item in sent if item[0] == FIRST)
    assert set(removing.removed) == {"battery_power", "battery_charge_power", "battery_discharge_power"}
    assert not after.removed
    check_home(h.held(mqtt))
    records = records_after_stop(mqtt, bridge)
    assert set(records) == {BRIDGE, SITE, FIRST, TOPIC.format("device_b-3")}
    assert b"battery_power" not in records[FIRST]


def test_a_broker_that_refuses_discovery_is_named(sim, tmp_path):
    acl = "user bridge\ntopic readwrite flip2mqtt/#\ntopic read #\nuser test\ntopic readwrite #\n"
    with Broker(tmp_path, users={"bridge": "b", "test": "t"}, acl=acl) as broker:
        config = home_config(broker, sim, tmp_path)
        config["mqtt"].update(username="bridge", password="b")
        with Mqtt(broker, "#", username="test", password="t") as mqtt, Bridge(tmp_path, config) as bridge:
            bridge.start_online(mqtt)
            bridge.wait_log(f"refused a discovery topic.*{BRIDGE}")
            assert h.configs(mqtt) == []


def test_what_a_lost_database_announced_goes_too(world, config, broker):
    """The broker still holds it. What another bridge announced, or another program, is none of ours."""
    mqtt, bridge = world
    ours = h.held(mqtt)
    others = {
        TOPIC.format("device_of_another"): ours[SECOND].replace(b'"t":"flip2mqtt/bridge/state"', b'"t":"elsewhere/bridge/state"'),
        TOPIC.format("device_of_nobody"): b"no JSON",
        TOPIC.format("device_of_a_stranger"): ours[SECOND].replace(b'"name":"flip2mqtt"', b'"name":"stranger"'),
        "homeassistant/device/0x00158d/config": ours[SECOND],
    }
    assert len(set(others.values())) == 4
    bridge.stop()
    for topic, payload in others.items():
        mqtt.publish(topic, payload, retain=True)
    for path in bridge.folder.glob("flip2mqtt.db*"):
        path.unlink()
    del config["sites"][0]["devices"][0]["telemetry"]["sources"]["battery_power"]
    config["sites"][0]["devices"].pop()
    bridge.write(config)
    since = mqtt.mark()
    bridge.start_online(mqtt)
    until(lambda: (SECOND, b"") in topics(mqtt, since), 15, "the end of the second battery")
    until(lambda: [t for t, _ in topics(mqtt, since)].count(FIRST) == 3, 15, "what the first has not any more, then the rest")
    removing, after = [Announced(*item) for item in topics(mqtt, since) if item[0] == FIRST][-2:]
    assert set(removing.removed) == {"battery_power", "battery_charge_power", "battery_discharge_power"} and not after.removed
    left = retained(broker)
    assert {t: p for t, p in left.items() if t in others} == others
    assert set(left) == {BRIDGE, SITE, FIRST} | set(others)
    assert set(records_after_stop(mqtt, bridge)) == {BRIDGE, SITE, FIRST}
