"""Sites and devices become known to Flip: from the configuration and from MQTT, once, and their points follow."""
import json

import pytest
from harness import Bridge, FlipSim, Mqtt, home_config, until

DEVICE = {"manufacturer_name": "DeviceMaker", "product_name": "Model 1", "serial_number": "1", "install_date": "2022-02-22"}
SIZES = {"battery_capacity_wh": 13500, "battery_power_input_w": 5000, "battery_power_output_w": 5000}


@pytest.fixture
def sim(tmp_path):
    with FlipSim(tmp_path, "--enrollment-delay", -1, auto_register=False) as sim:
        yield sim


def home(broker, sim, folder, devices=("battery-1",), **site):
    """Batteries that share a pair of topics, and what Flip wants to know of them and of their site."""
    config = home_config(broker, sim, folder)
    config["flip"]["poll"] = dict.fromkeys(("commands", "events", "enrollments", "programs", "site"), "1h")
    [template] = config["sites"][0]["devices"]
    batteries = [{**template, **DEVICE, "id": name} for name in devices]
    config["sites"][0].update({"commission": True, "state_code": "CA", "zip_code": "88800", "devices": batteries, **site})
    return config


def commissions(sim):
    """The bodies of all requests, whatever became of them."""
    return [json.loads(r["body"]) for r in sim.requests(path="/v1/commission")["requests"]]


def problems(mqtt, *words, since=0):
    """Waits until bridge/health names a problem with these words."""
    return mqtt.wait_for("flip2mqtt/bridge/health", lambda m: all(w in json.dumps(m.json()["problems"]) for w in words), 20, since)


def charge(mqtt):
    for topic, value in (("battery/soc", "61.5"), ("battery/power", "1200")):
        mqtt.publish(topic, value)


def arrived(mqtt, sim, device):
    def seen():
        charge(mqtt)
        return sim.points(device)

    return until(seen, 20, f"a point of {device} at Flip", 0.2)


def test_a_home_with_fields_from_mqtt(tmp_path, broker, sim, mqtt):
    mqtt.subscribe("flip2mqtt/#")
    config = home(broker, sim, tmp_path, ("battery-1", "battery-2"), can_auto_enroll=True, first_name="Ann")
    second = config["sites"][0]["devices"][1]
    second["serial_number"] = {"topic": "inverter/info", "path": "/serial"}
    second["capacity"] = {"topic": "inverter/info", "path": "/capacity", "unit": "kWh"}
    car = {"id": "car", "type": "EV_CHARGER", **DEVICE, "attributes": {"phases": 3, "plug": "CCS"}}
    config["sites"][0]["devices"].append(car)
    with Bridge(tmp_path, config) as bridge:
        bridge.start_online(mqtt)
        charge(mqtt)
        waits = "serial_number of device battery-2 (topic inverter/info), capacity of device battery-2 (topic inverter/info)"
        problems(mqtt, waits)
        seen = bridge.command("doctor", "--for", "1s").stdout
        assert "serial_number" in seen and "inverter/info" in seen, seen
        # It waits, and so do the points, which are there already.
        mqtt.wait_for("flip2mqtt/device/battery-1/telemetry", lambda m: m.json()["upload"]["state"] == "pending")
        assert commissions(sim) == [] and sim.stats()["points"] == 0
        since = mqtt.mark()
        mqtt.publish("inverter/info", {"serial": "S-7", "capacity": 9.6}, retain=True)
        mqtt.wait_for("flip2mqtt/site/home-1/programs", lambda m: len(m.json()) == 2, 20, since)
        [body] = commissions(sim)
        assert body["site"] == {"id": "home-1", "first_name": "Ann", "state_code": "CA", "zip_code": "88800"}
        known = {"site_id": "home-1", "type": "BATTERY", **DEVICE}
        assert body["devices"] == [
            {"id": "battery-1", **known, "attributes": SIZES},
            {"id": "battery-2", **known, "serial_number": "S-7", "attributes": {**SIZES, "battery_capacity_wh": 9600}},
            {"id": "car", **known, "type": "EV_CHARGER", "attributes": car["attributes"]},
        ]
        assert body["can_auto_enroll"] is True
        mqtt.wait_for("flip2mqtt/site/home-1/notification", lambda m: m.json()["event_type"] == "enrollment.created", since=since)
        health = mqtt.wait_for("flip2mqtt/bridge/health", lambda m: m.json()["problems"] == [], 20, since).json()
        assert health["last_error"] is None  # that Flip did not know the site was to be expected
        for device in ("battery-1", "battery-2"):
            arrived(mqtt, sim, device)
        # What was learnt and done is kept: nothing is asked for again, though nobody publishes the fields any more.
        bridge.stop()
        mqtt.publish("inverter/info", "", retain=True)
        since = mqtt.mark()
        bridge.start_online(mqtt)
        mqtt.wait_for("flip2mqtt/site/home-1/devices", lambda m: len(m.json()) == 3, 20, since)
        new = len(sim.points("battery-2"))
        until(lambda: charge(mqtt) or len(sim.points("battery-2")) > new, 20, "a new point", 0.2)
        assert sim.points("battery-2")[-1]["battery_last_capacity_energy_wh"] == 9600
        assert len(commissions(sim)) == 1


def test_devices_that_come_later_and_a_conflict(tmp_path, broker, sim, mqtt):
    mqtt.subscribe("flip2mqtt/#")
    with Bridge(tmp_path, home(broker, sim, tmp_path)) as bridge:
        bridge.start_online(mqtt)
        until(lambda: len(sim.state()["devices"]) == 1, 20, "the first battery")
        bridge.write(home(broker, sim, tmp_path, ("battery-1", "battery-2")))
        bridge.reload()
        until(lambda: len(sim.state()["devices"]) == 2, 20, "the second battery")
        assert [d["id"] for d in commissions(sim)[-1]["devices"]] == ["battery-2"]
        arrived(mqtt, sim, "battery-2")
        # Flip knows the next two under another site: 409 is no error, and the one that is new is not held up by them.
        others = [{"id": f"battery-{n}", "site_id": "elsewhere", "type": "BATTERY", **DEVICE, "attributes": SIZES} for n in (3, 4)]
        sim.control("POST", "seed", {"sites": [{"id": "elsewhere"}], "devices": others})
        bridge.write(home(broker, sim, tmp_path, [f"battery-{n}" for n in range(1, 6)]))
        bridge.reload()
        until(lambda: "battery-5" in [d["id"] for d in sim.state()["devices"]], 20, "the fifth battery")
        for n in (3, 4, 5):
            arrived(mqtt, sim, f"battery-{n}")
        assert bridge.process.find('"Flip knows the device already".*battery-3') and not bridge.process.find("refused to commission")
        assert [r["status"] for r in sim.requests(path="/v1/commission")["requests"]] == [200, 200, 409, 409, 409, 200]


def test_points_of_an_unknown_device_follow_its_commissioning(tmp_path, broker, sim, mqtt):
    mqtt.subscribe("flip2mqtt/#")
    with Bridge(tmp_path, home(broker, sim, tmp_path, commission=False)) as bridge:
        bridge.start_online(mqtt)
        charge(mqtt)
        told = "flip2mqtt/device/battery-1/telemetry"
        refused = mqtt.wait_for(told, lambda m: m.json()["upload"]["state"] == "rejected", 20).json()
        assert refused["upload"]["message"] == "unknown device"
        problems(mqtt, "Flip does not know this site: set commission: true")
        assert commissions(sim) == []
        # Flip refuses at first, with a reason that is shown.
        sim.fault(path="/v1/commission", count=1, status=422, body={"message": "the meter is not ours"})
        since = mqtt.mark()
        bridge.write(home(broker, sim, tmp_path))
        bridge.reload()
        problems(mqtt, "Flip refused to commission the site", "the meter is not ours", since=since)
        bridge.reload()
        until(lambda: refused["point"]["start_time"] in [p["start_time"] for p in sim.points("battery-1")], 20, "the point")
        mqtt.wait_for("flip2mqtt/bridge/health", lambda m: m.json()["outbox"]["rejected"] == 0, 20, since)
        assert sim.stats()["conflicts"] == sim.stats()["overlaps"] == 0


def test_a_charger_alone(tmp_path, broker, sim, mqtt):
    mqtt.subscribe("flip2mqtt/#")
    config = home(broker, sim, tmp_path, ())
    config["sites"][0]["devices"] = [{"id": "car", "type": "EV_CHARGER", **DEVICE}]
    sim.control("POST", "program", {"name": "Cars", "eligible_device_types": ["EV_CHARGER"]})
    with Bridge(tmp_path, config) as bridge:
        bridge.start_online(mqtt)
        mqtt.wait_for("flip2mqtt/site/home-1/programs", lambda m: "Cars" in [p["name"] for p in m.json()], 20)
        [body] = commissions(sim)
        assert body["devices"][0]["attributes"] == {} and body["devices"][0]["type"] == "EV_CHARGER"
        mqtt.wait_for("flip2mqtt/site/home-1/devices", lambda m: [d["id"] for d in m.json()] == ["car"], 20)
    with Mqtt(broker, "flip2mqtt/device/#") as later:
        later.publish("flip2mqtt/device/x", "last")
        later.wait_for("flip2mqtt/device/x", "last")
        assert not [m for m in later.messages("#") if "telemetry" in m.topic]
