"""What Home Assistant shows in each stage of an event and of trouble: before any event, to come, active, paused, refused,
the cloud away, over."""
import pathlib
import sys

import pytest
from harness import Bridge, Mqtt, until
from harness.discovery import UNKNOWN, check_home

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import home as h  # noqa: E402

BATTERY, SITE, BRIDGE = "flip2mqtt_device_battery-1", "flip2mqtt_site_home-1", "flip2mqtt_bridge_home-1"
ORDERS = {"mode": "DISCHARGE", "power_mode": "SETPOINT", "setpoint_w": 2000, "backup_reserve_percentage": 20}
NONE_TO_COME = {"next_mode": "NONE", "next_power": UNKNOWN, "next_start": UNKNOWN, "next_end": UNKNOWN}
LOCAL = {"controlled_by": "local", "commanded_mode": "NONE", "commanded_power": UNKNOWN, "commanded_power_mode": UNKNOWN,
         "commanded_reserve": UNKNOWN, "command_start": UNKNOWN, "command_end": UNKNOWN}  # fmt: skip
NO_EVENT = {"event_phase": "none", "event_active": False, "event_start": UNKNOWN, "event_end": UNKNOWN, "participation": UNKNOWN}
TIME = object()  # any


class Shown:
    """The states of one home, as they stand now."""

    def __init__(self, mqtt):
        self.mqtt = mqtt

    def wait(self, owner, wanted, what):
        entities = dict(h.components(self.mqtt))

        def differ():
            now = {key: h.last_state(self.mqtt, entities[f"{owner}_{key}"]) for key in wanted}
            return {k: v for k, v in now.items() if (v is UNKNOWN if wanted[k] is TIME else v != wanted[k])}

        until(lambda: not differ(), 20, lambda: f"{what}; differs: {differ()}", every=0.2)

    def available(self, key):
        announced = {a.object_id: a for a in check_home(h.held(self.mqtt)).values()}
        owner = next(o for o in announced if key.startswith(o + "_"))
        return all(self.mqtt.last(t).text == "online" for t in announced[owner].availability(key[len(owner) + 1 :]))


@pytest.fixture
def world(tmp_path, broker, sim):
    config = h.full_config(broker, sim, tmp_path)
    with Mqtt(broker, "#") as mqtt, Bridge(tmp_path, config) as bridge:
        bridge.start_online(mqtt)
        until(lambda: sim.state()["enrollments"], 20, "the commissioning")
        yield mqtt, sim, Shown(mqtt)


def test_every_stage(world):
    mqtt, sim, shown = world
    h.feed(mqtt)
    shown.wait(BATTERY, {**LOCAL, **NONE_TO_COME, "pause": False, "problem": False}, "nobody commands")
    shown.wait(SITE, NO_EVENT, "no event")
    assert not h.states(mqtt, h.entity(mqtt, f"{BATTERY}_command")), "no command was ever given"

    sim.control("POST", "event", {"site_id": "home-1", "id": "e1", "starts_in_s": 5, "duration_s": 300, **ORDERS})
    shown.wait(SITE, {"event_phase": "upcoming", "event_active": False, "event_start": TIME, "event_end": TIME, "participation": True}, "to come")
    shown.wait(BATTERY, {**LOCAL, "next_mode": "DISCHARGE", "next_power": 2000, "next_start": TIME, "next_end": TIME}, "a command to come")

    commanded = {"controlled_by": "flip", "commanded_mode": "DISCHARGE", "commanded_power": 2000, "commanded_power_mode": "SETPOINT",
                 "commanded_reserve": 20, "command_start": TIME, "command_end": TIME, **NONE_TO_COME}  # fmt: skip
    shown.wait(BATTERY, commanded, "Flip commands")
    shown.wait(SITE, {"event_phase": "active", "event_active": True, "participation": True}, "active")

    # Flip refuses points: told, counted, with its words.
    sim.fault(item={"device_id": "battery-1"}, failed="no such battery")
    upload = h.entity(mqtt, f"{BATTERY}_upload_state")
    until(lambda: h.last_state(mqtt, upload) == "rejected", 20, "a point to be rejected")
    rejected = next(m for m in reversed(mqtt.messages(upload["state_topic"])) if m.json()["upload"]["state"] == "rejected")
    assert "no such battery" in h.rendered_attributes(upload, rejected)["message"]
    counted = h.entity(mqtt, f"{BRIDGE}_points_rejected")
    until(lambda: h.last_state(mqtt, counted) >= 1, 20, "rejected points to be counted")

    sim.no_faults()

    # The owner's switch, while the cloud is away: his own word needs no cloud.
    sim.outage()
    mqtt.wait_for("flip2mqtt/cloud/state", "offline", 25)
    shown.wait(BRIDGE, {"cloud": False, "connection": True, "health": True}, "Flip cannot be reached")
    assert not shown.available(f"{SITE}_participation") and not shown.available(f"{SITE}_enrollment")
    assert shown.available(f"{BATTERY}_pause") and shown.available(f"{BATTERY}_commanded_mode")
    pause = h.entity(mqtt, f"{BATTERY}_pause")
    mqtt.publish(pause["command_topic"], "ON", qos=1)
    shown.wait(BATTERY, {**LOCAL, "pause": True}, "the owner has the battery")
    mqtt.publish(pause["command_topic"], "OFF", qos=1)
    shown.wait(BATTERY, {**LOCAL, "pause": False}, "what was refused is not revived")

    sim.outage(False)
    shown.wait(BRIDGE, {"cloud": True}, "Flip is back")
    sim.control("PATCH", "event/e1", {"status": "CANCELED"})
    shown.wait(SITE, NO_EVENT, "the event is over")
    shown.wait(BATTERY, {**LOCAL, **NONE_TO_COME}, "nobody commands any more")
