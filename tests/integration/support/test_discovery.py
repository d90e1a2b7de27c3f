"""The validator of discovery payloads finds what Home Assistant would not take."""
import copy
import json

import pytest
from harness.binaries import ROOT
from harness.discovery import UNKNOWN, Fault, check_home, state_of

GOLDEN = ROOT / "tests" / "unit" / "homeassistant" / "golden"
TOPICS = {"bridge": "bridge_abc-789", "site": "site_abc-789", "battery": "device_xyz-123"}


def golden():
    return {f"homeassistant/device/flip2mqtt_{name}/config": json.loads((GOLDEN / f"{file}.json").read_text())
            for file, name in TOPICS.items()}  # fmt: skip


def check(payloads):
    return check_home({topic: json.dumps(payload).encode() for topic, payload in payloads.items()})


BATTERY = "homeassistant/device/flip2mqtt_device_xyz-123/config"


def test_what_we_announce_is_sound():
    home = check(golden())
    assert {len(a.components) > 5 for a in home.values()} == {True}


def entity(key, **change):
    return lambda home: home[BATTERY]["cmps"][key].update(change)


def root(**change):
    return lambda home: home[BATTERY].update(change)


def without(*path):
    def remove(home):
        node = home[BATTERY]
        for step in path[:-1]:
            node = node[step]
        del node[path[-1]]

    return remove


MISTAKES = {
    "unknown keys": entity("pause", retian=True),
    "object_id": entity("pause", obj_id="x"),
    "default_entity_id": entity("pause", default_entity_id="flip_pause"),
    "default_entity_id ": entity("pause", default_entity_id="sensor.flip_pause"),
    "unique_id": entity("pause", uniq_id="h\u00e9"),
    "unique_id ": without("cmps", "pause", "uniq_id"),
    "stands for": entity("controlled_by", uniq_id="flip2mqtt_device_xyz-123_commanded_mode"),
    "platform": entity("pause", p="toggle"),
    "not for a switch": entity("pause", unit_of_meas="W"),
    "options and enum": entity("commanded_power", ops=["a"]),
    "does not go with enum": entity("controlled_by", unit_of_meas="W"),
    "does not go with battery": entity("state_of_charge", unit_of_meas="W"),
    "does not go with power": entity("solar_power", stat_cla="total"),
    "does not go with energy": entity("solar_energy", stat_cla="measurement"),
    "last_reset without total": entity("solar_energy", lrst_val_tpl="{{ 1 }}"),
    "no such device class": entity("solar_power", dev_cla="sun"),
    "may only be diagnostic": entity("solar_power", ent_cat="config"),
    "may not be diagnostic": entity("pause", ent_cat="diagnostic"),
    "what was wished": entity("pause", opt=True),
    "QoS 0": without("cmps", "pause", "qos"),
    "QoS 0 ": without("cmps", "command", "qos"),
    "availability and availability_topic": entity("pause", avty=[{"t": "a"}], avty_t="b"),
    "availability_mode": root(avty_mode="latest"),
    "via_device": lambda home: home[BATTERY]["dev"].update(via_device="nobody"),
    "identifiers": lambda home: home[BATTERY]["dev"].update(ids=["another"]),
    "device, origin and components": without("o"),
    "a filter": entity("pause", stat_t="a/#"),
    "icon": entity("pause", ic="pause"),
    "expected": entity("solar_power", val_tpl="{{ value_json."),
    "name twice": entity("pause", name="Garage battery pause"),
    "bytes": lambda home: home[BATTERY]["cmps"]["pause"].update(name="P" * 30000),
}


@pytest.mark.parametrize("complaint", MISTAKES)
def test_every_mistake_is_named(complaint):
    home = copy.deepcopy(golden())
    MISTAKES[complaint](home)
    with pytest.raises(Fault, match=complaint.strip()):
        check(home)


def sensor(template="{{ value_json.v }}", **config):
    return {"platform": "sensor", "unique_id": "u", "state_topic": "t", "value_template": template, **config}


@pytest.mark.parametrize(
    "config, payload, state",
    [
        (sensor(device_class="power"), '{"v": 1.5}', 1.5),
        (sensor(device_class="power"), '{"v": null}', UNKNOWN),
        (sensor(device_class="power"), '{"v": "much"}', Fault),
        (sensor(device_class="power"), '{"v": true}', Fault),
        (sensor(device_class="power"), '{"w": 1}', Fault),  # a warning in Home Assistant's log
        (sensor(device_class="power"), "", Fault),
        (sensor(device_class="timestamp"), '{"v": "2026-01-02T03:04:05"}', Fault),
        (sensor(device_class="timestamp"), '{"v": "tomorrow"}', Fault),
        (sensor(device_class="enum", options=["a", "b"]), '{"v": "b"}', "b"),
        (sensor(device_class="enum", options=["a", "b"]), '{"v": "c"}', Fault),
        (sensor(), json.dumps({"v": "x" * 256}), Fault),
        ({"platform": "switch", "unique_id": "u"}, "ON", True),
        ({"platform": "switch", "unique_id": "u"}, "None", UNKNOWN),
        ({"platform": "binary_sensor", "unique_id": "u", "payload_on": "online", "payload_off": "offline"}, "offline", False),
        ({"platform": "binary_sensor", "unique_id": "u"}, "on", Fault),
        (sensor(json_attributes_template="{{ {'v': value_json.v} | tojson }}"), '{"v": "a"}', "a"),
        (sensor("a", json_attributes_template="{{ {'v': value_json.v} | tojson }}"), json.dumps({"v": "x" * 20000}), Fault),
        (sensor("a", json_attributes_template="{{ value_json.v }}"), '{"v": 1}', Fault),
        ({"platform": "event", "unique_id": "u", "event_types": ["a"]}, '{"event_type": "a"}', "a"),
        ({"platform": "event", "unique_id": "u", "event_types": ["a"]}, '{"event_type": "b"}', Fault),
    ],
)  # fmt: skip
def test_states_are_home_assistants(config, payload, state):
    if state is Fault:
        with pytest.raises(Fault):
            state_of(config, payload)
    else:
        assert state_of(config, payload) == state
