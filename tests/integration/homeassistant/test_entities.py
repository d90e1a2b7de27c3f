"""Every entity that the bridge announces is one that Home Assistant takes, and shows what is so; its switches work."""
import itertools
import pathlib
import sys
import time

import pytest
import yaml
from harness import Bridge, Mqtt, home_config, until
from harness.binaries import ROOT
from harness.discovery import UNKNOWN, check_home

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import home as h  # noqa: E402

BATTERY, SITE, BRIDGE = "flip2mqtt_device_battery-1", "flip2mqtt_site_home-1", "flip2mqtt_bridge_home-1"
# Nothing waits for long here, and the programs of the stand-in pay by the year alone.
UNKNOWN_HERE = {f"{BRIDGE}_oldest_waiting", f"{SITE}_earnings_upfront"}


@pytest.fixture
def world(tmp_path, broker, sim):
    """A bridge with everything, online, and all that was ever published."""
    with Mqtt(broker, "#") as mqtt, Bridge(tmp_path, h.full_config(broker, sim, tmp_path)) as bridge:
        mqtt.publish("homeassistant/status", "online", retain=True)  # Home Assistant was there first
        bridge.start_online(mqtt)
        yield mqtt, bridge, sim


def happenings(sim):
    """An event that runs, with its command, one more of each to come."""
    orders = {"mode": "DISCHARGE", "power_mode": "SETPOINT", "setpoint_w": 2000, "backup_reserve_percentage": 20}
    sim.control("POST", "event", {"site_id": "home-1", "id": "e1", "starts_in_s": 0, "duration_s": 300, **orders})
    sim.control("POST", "event", {"site_id": "home-1", "id": "e2", "starts_in_s": 600, "duration_s": 300, **orders})


def test_every_entity_shows_what_is_so(world):
    mqtt, bridge, sim = world
    began = time.monotonic()
    until(lambda: sim.state()["enrollments"], 20, "the commissioning")
    happenings(sim)

    turns = itertools.count()

    def all_known():
        turn = next(turns)  # every other one the counters dip: a sender that starts anew
        h.feed(mqtt, **{name: 0 if turn % 2 else 1000.25 + n + turn / 100 for n, name in enumerate(h.ENERGIES)})
        return h.never_known(mqtt) <= UNKNOWN_HERE

    until(all_known, 30, lambda: f"every entity to show something; missing: {h.never_known(mqtt) - UNKNOWN_HERE}", every=0.5)
    entities = dict(h.components(mqtt))
    assert len(entities) > 60, sorted(entities)
    check_values(mqtt, entities)
    check_switches(mqtt, sim, entities)
    problem = entities[f"{BATTERY}_problem"]
    until(lambda: h.last_state(mqtt, problem) is True, 15, "the veto to be a problem")
    assert "house/grid_lost" in mqtt.last(problem["json_attributes_topic"]).json()["problem"]
    # A retained birth is from before the connection, at which everything was announced: nothing is said twice.
    until(lambda: time.monotonic() > began + 6, 10, "the latest moment at which that would show")
    assert len(h.configs(mqtt)) == len(h.held(mqtt)) == 3, h.configs(mqtt)


def check_values(mqtt, entities):
    def state(name, owner=BATTERY):
        return h.last_state(mqtt, entities[f"{owner}_{name}"])

    assert (state("state_of_charge"), state("backup_reserve"), state("battery_mode")) == (61.5, 20, "SELF_CONSUMPTION")
    assert (state("battery_charge_power"), state("battery_discharge_power"), state("battery_power")) == (0, 1500, -1500)
    assert (state("solar_power"), state("home_power"), state("grid_power"), state("grid_online")) == (2200, 900, 200, True)
    assert state("stored_energy") == pytest.approx(13.5 * 0.97 * 0.615, abs=0.001)
    for n, name in enumerate(h.ENERGIES):
        seen = [s for s in h.states(mqtt, entities[f"{BATTERY}_{name}_energy"]) if s is not UNKNOWN]
        assert seen and seen == sorted(seen) and seen[0] >= 1000.25 + n, f"{name}: never 0 for unknown, no dip: {seen}"
    assert (state("controlled_by"), state("commanded_mode"), state("commanded_power")) == ("flip", "DISCHARGE", 2000)
    assert state("command_start") < state("command_end") < state("next_start") < state("next_end")
    assert (state("problem"), state("reachable"), state("pause")) == (False, True, False)
    assert {"received", "started"} <= set(h.states(mqtt, entities[f"{BATTERY}_command"]))
    assert (state("event_active", SITE), state("event_phase", SITE), state("participation", SITE)) == (True, "active", True)
    assert "event.created" in h.states(mqtt, entities[f"{SITE}_notification"])
    assert state("enrollment", SITE) in ("ACTIVE", "PENDING")
    assert (state("cloud", BRIDGE), state("connection", BRIDGE), state("clock", BRIDGE)) == (True, True, False)
    assert state("points_rejected", BRIDGE) == 0


def check_switches(mqtt, sim, entities):
    """Home Assistant publishes payload_on or payload_off, ON and OFF by default, and shows what comes back."""

    def turn(name, payload, truth):
        config = entities[name]
        since = mqtt.mark()
        mqtt.publish(config["command_topic"], payload, qos=config["qos"])
        until(lambda: h.states(mqtt, config, since)[-1:] == [truth], 15, f"{name} to show {payload}")

    turn(f"{BATTERY}_pause", "ON", True)
    until(lambda: h.last_state(mqtt, entities[f"{BATTERY}_controlled_by"]) == "local", 15, "the owner to have the battery")
    turn(f"{BATTERY}_pause", "OFF", False)
    mqtt.publish("house/grid_lost", "on")  # shows in a while, as a problem
    turn(f"{SITE}_participation", "OFF", False)
    assert [e["is_participating"] for e in sim.state()["events"] if e["id"] == "e1"] == [False], "Flip confirmed it first"
    turn(f"{SITE}_participation", "ON", True)


def test_availability_follows_bridge_and_cloud(world):
    mqtt, bridge, sim = world
    home = until(lambda: len(h.held(mqtt)) == 3 and check_home(h.held(mqtt)), 15, "three devices")
    by_id = {a.object_id: a for a in home.values()}
    both = ["flip2mqtt/bridge/state", "flip2mqtt/cloud/state"]
    assert by_id[BATTERY].availability("pause") == both[:1], "the owner's switch needs no cloud"
    assert by_id[SITE].availability("participation") == both
    assert by_id[BRIDGE].availability("connection") == []
    assert by_id[BATTERY].device["via_device"] == SITE
    assert by_id[SITE].device["via_device"] == BRIDGE
    sim.outage()
    mqtt.wait_for("flip2mqtt/cloud/state", "offline", 25)
    since = mqtt.mark()
    bridge.kill()
    mqtt.wait_for("flip2mqtt/bridge/state", "offline", 15, since)


def preset_devices():
    """One battery per preset, with its parameters' examples."""
    for path in sorted((ROOT / "config" / "presets").glob("*.yaml")):
        parameters = yaml.safe_load(path.read_text(encoding="utf-8")).get("parameters", {})
        needed = {name: p["example"] for name, p in parameters.items() if "default" not in p and "example" in p}
        yield {"id": f"of {path.stem}", "preset": {"name": path.stem, **needed}, "capacity": "10 kWh", "max_charge": "5 kW",
               "max_discharge": "5 kW"}  # fmt: skip


def test_every_preset_makes_entities_that_home_assistant_takes(tmp_path, broker, sim):
    devices = list(preset_devices())
    config = home_config(broker, sim, tmp_path, sites=[{"id": "home 1", "devices": devices}])
    with Mqtt(broker, "#") as mqtt, Bridge(tmp_path, config) as bridge:
        bridge.start_online(mqtt)
        until(lambda: len(h.held(mqtt)) == len(devices) + 2, 20, f"{len(devices)} batteries, their site, the bridge")
        topics = [f"flip2mqtt/device/{d['id'].replace(' ', '%20')}/state" for d in devices]
        until(lambda: all(mqtt.last(t) for t in topics), 10, "every battery's state")
        for _, config in h.components(mqtt):
            shown = {s for s in h.states(mqtt, config) if config.get("state_class") is not None}
            assert config["state_topic"].endswith("/health") or shown <= {UNKNOWN, 10}, f"of nothing heard: {config}: {shown}"
