"""Joining a program and leaving an event out: nothing happens without agreement, nothing is claimed before Flip said so."""
import json

import pytest
from harness import Bridge, FlipSim, home_config, until

SITE, BELOW = {"site_id": "home-1"}, "flip2mqtt/site/home-1"
SIZES = {"battery_capacity_wh": 13500, "battery_power_input_w": 5000, "battery_power_output_w": 5000}
BATTERY = {"id": "battery-1", "site_id": "home-1", "manufacturer_name": "M", "product_name": "P", "serial_number": "1",
           "type": "BATTERY", "install_date": "2022-02-22", "attributes": SIZES}  # fmt: skip
FORM = [
    {"name": "account_id", "label": "Utility Account Number", "type": "string"},
    {"name": "owns_home", "label": "Do you own it?", "type": "boolean"},
]
PROGRAM = {"name": "Careful", "enrollment_form": FORM, "terms_and_conditions_text": "Be kind.", "terms_and_conditions_version": "7"}
EVENT = {"id": "e1", "site_id": "home-1", "mode": "DISCHARGE", "power_mode": "FOLLOW_LOAD", "starts_in_s": -1, "duration_s": 3600}


@pytest.fixture
def sim(tmp_path):
    seed = {"sites": [{"id": "home-1", "zip_code": "88800"}], "devices": [BATTERY], "programs": [PROGRAM], "events": [EVENT]}
    with FlipSim(tmp_path, "--enrollment-delay", -1, seed=seed) as sim:
        yield sim


@pytest.fixture
def bridge(tmp_path, broker, sim, mqtt):
    config = home_config(broker, sim, tmp_path, requests={"allow": ["read", "enrollment", "participation"]})
    config["flip"]["poll"] = dict.fromkeys(("commands", "events", "enrollments", "programs", "site"), "1h")
    with Bridge(tmp_path, config) as bridge:
        mqtt.subscribe("flip2mqtt/#")
        bridge.start_online(mqtt)
        mqtt.wait_for(f"{BELOW}/programs")
        mqtt.wait_for(f"{BELOW}/participation", "ON")  # the first polls are over, and no others come for an hour
        yield bridge


def changes(sim, below):
    """What reached Flip there that was no question."""
    return [r for r in sim.requests(path=f"/v1/site/home-1/{below}")["requests"] if r["method"] != "GET"]


def test_nothing_is_sent_before_everything_is_agreed_and_filled_in(bridge, mqtt, sim):
    [program] = mqtt.last(f"{BELOW}/programs").json()
    body = {"program_id": program["id"], "device_ids": ["battery-1"], "enroll_method": "USER_ACTION"}

    def refused(**more):
        answer = mqtt.request("enrollment/create", {**SITE, "body": {**body, **more}})
        assert answer["status"] == "error" and answer["http_status"] is None
        return answer["error"]

    text = refused()
    assert 'has_agreed_to_terms_and_conditions: expected true, with terms_and_conditions_version "7"' in text
    assert "missing account_id (Utility Account Number), owns_home (Do you own it?)" in text
    agreed = {"has_agreed_to_terms_and_conditions": True, "terms_and_conditions_version": "7"}
    filled = {"program_specific_attributes": [{"name": "account_id", "value": "1"}, {"name": "owns_home", "value": "true"}]}
    assert refused(**filled, **{**agreed, "has_agreed_to_terms_and_conditions": False}).startswith("body.has_agreed")
    assert 'the program shows "7"' in refused(**filled, **{**agreed, "terms_and_conditions_version": "6"})
    half = {"program_specific_attributes": filled["program_specific_attributes"][:1]}
    assert refused(**agreed, **half) == "body.program_specific_attributes: missing owns_home (Do you own it?)"
    number = {"program_specific_attributes": [{"name": "account_id", "value": 1}, {"name": "owns_home", "value": "true"}]}
    assert "missing account_id" in refused(**agreed, **number)  # Flip: values are texts
    assert changes(sim, "enrollments") == []
    # Then it is sent as it is, shown and told, and can be left.
    since, made = mqtt.mark(), mqtt.request("enrollment/create", {**SITE, "body": {**body, **agreed, **filled}})["data"]
    [sent] = changes(sim, "enrollments")
    assert json.loads(sent["body"]) == {**body, **agreed, **filled} and sent["token"] == "site"
    mqtt.wait_for(f"{BELOW}/enrollments", lambda m: [e["id"] for e in m.json()] == [made["id"]], since=since)
    told = mqtt.wait_for(f"{BELOW}/notification", since=since).json()
    assert (told["event_type"], told["event_object"]["id"]) == ("enrollment.created", made["id"])
    left = mqtt.request("enrollment/delete", {**SITE, "enrollment_id": made["id"]})
    assert (left["status"], left["http_status"], left["data"]) == ("ok", 204, None)
    mqtt.wait_for(f"{BELOW}/enrollments", lambda m: m.json()[0]["status"] == "UNENROLLED", since=since)


def test_participation_is_what_flip_confirmed(bridge, mqtt, sim):
    mqtt.wait_for("flip2mqtt/device/battery-1/control", lambda m: m.json()["owner"] == "flip")
    # Before Flip's answer nothing is claimed; after it the battery is free at once, without waiting for a poll's pace.
    sim.fault(path="/v1/site/home-1/event", method="PATCH", delay_ms=700, count=1)
    since = mqtt.mark()
    mqtt.publish(f"{BELOW}/participation/set", "OFF")
    mqtt.wait_for(f"{BELOW}/participation", "OFF", since=since)
    assert changes(sim, "event")[-1]["status"] == 200
    mqtt.wait_for("flip2mqtt/device/battery-1/command", lambda m: m.json()["phase"] == "opted_out", since=since)
    mqtt.wait_for("flip2mqtt/device/battery-1/control", lambda m: m.json()["owner"] == "local", since=since)
    until(lambda: sim.control("GET", "acknowledgements")[-1]["status"] == "OPT_OUT", 20)
    # Any event by its id, and back in again.
    mqtt.publish(f"{BELOW}/event/e1/participation/set", "ON")
    mqtt.wait_for(f"{BELOW}/participation", "ON", since=since)
    mqtt.wait_for("flip2mqtt/device/battery-1/control", lambda m: m.json()["owner"] == "flip", since=since)
    # What fails is told, and nothing is claimed: while Flip is away, and where it refuses.
    since = mqtt.mark()
    sim.outage()
    mqtt.publish(f"{BELOW}/participation/set", "OFF")
    mqtt.wait_for(f"{BELOW}/notification", lambda m: m.json()["event_type"] == "participation.error", since=since)
    sim.outage(False)
    sim.control("PATCH", "event/e1", {"extra": {"status": "COMPLETED"}})
    since = mqtt.mark()
    mqtt.publish(f"{BELOW}/participation/set", "OFF")
    error = mqtt.wait_for(f"{BELOW}/notification", lambda m: m.json()["event_type"] == "participation.error", since=since)
    assert error.json()["event_object"] == {"event_id": "e1", "message": "The event is over"}
    mqtt.wait_for(f"{BELOW}/participation", "None", since=since)  # it looked
    assert [m.text for m in mqtt.messages(f"{BELOW}/participation")][-4:] == ["ON", "OFF", "ON", "None"]
