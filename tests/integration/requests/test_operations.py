"""Every operation of bridge/request, with right data, makes Flip do what it says, with the right kind of token."""
import itertools

import pytest
from home import BATTERY, SITE, device

START = "2026-01-01T00:00:00.000Z"
PARTS = ("battery_last_power_charge_w", "battery_last_power_discharge_w", "battery_total_energy_charge_wh",
         "battery_total_energy_discharge_wh", "battery_last_stored_energy_wh", "battery_last_capacity_energy_wh",
         "battery_last_backup_reserve_percentage", "battery_last_state_of_charge_percentage",
         "battery_last_state_of_health_percentage", "home_total_energy_wh", "home_last_power_w", "solar_total_energy_wh",
         "solar_last_power_w")  # fmt: skip
MEASURED = {"device_id": BATTERY, "last_is_online": True, "last_mode": None, "last_is_grid_online": None, "oem_raw_data": None}
MEASURED.update(dict.fromkeys(PARTS, 1))


PAGED = (["skip", "0"], ["limit", "100"])


def pairs(query):
    """As they stand in a URL: a list repeats its name."""
    return [[name, v] for name, value in query.items() for v in (value if isinstance(value, list) else [value])]


class Flip:
    """Asks one operation after another, and looks at what Flip was asked."""

    def __init__(self, mqtt, sim):
        self.mqtt, self.sim, self.asked, self.answers = mqtt, sim, set(), itertools.count()

    def __call__(self, operation, token, method, path, status=200, pages=(), **request):
        """The answer's data. By turns the answer is asked for on its own topic and on a response topic."""
        before = self.sim.requests()["requests"][-1]["index"]
        answer = self.on_response_topic(operation, request) if next(self.answers) % 2 else self.on_topic(operation, request)
        assert answer["status"] == ("ok" if status < 300 else "error") and answer["http_status"] == status, answer
        made = [r for r in self.sim.requests(since=before)["requests"] if (r["method"], r["path"]) == (method, path)]
        assert [r["token"] for r in made] == [token] * len(made) and made[-1]["status"] == status, made
        assert made[-1]["query"] == [*pairs(request.get("query", {})), *pages]
        self.asked.add(operation)
        return answer["data"] if status < 300 else answer["error"]

    def on_topic(self, operation, request):
        return self.mqtt.request(operation, request)

    def on_response_topic(self, operation, request):
        since, correlation = self.mqtt.mark(), b"\x00 any bytes"
        topic = f"flip2mqtt/bridge/request/{operation}"
        self.mqtt.publish(topic, request, response_topic="automation/7/answer", correlation=correlation)
        answer = self.mqtt.wait_for("automation/7/answer", since=since)
        assert answer.correlation == correlation and answer.json()["transaction"] is None
        assert not self.mqtt.messages(f"flip2mqtt/bridge/response/{operation}", since)
        return answer.json()


@pytest.fixture
def flip(bridge, mqtt, sim):
    mqtt.subscribe("flip2mqtt/bridge/response/#", "automation/#")
    mqtt.subscribe("flip2mqtt/site/home-1/events")
    bridge.start_online(mqtt)
    mqtt.wait_for("flip2mqtt/site/home-1/events")  # the first poll is over
    return Flip(mqtt, sim)


def test_every_operation_does_what_it_says(flip, sim):
    below = f"/v1/site/{SITE}"
    # Sites and devices.
    assert flip("site_token/create", "client", "POST", f"/v1/auth/site/{SITE}", site_id=SITE)["site_access_token"]
    body = {"site": {"id": SITE}, "devices": [device("second")]}
    assert len(flip("commission", "client", "POST", "/v1/commission", body=body)["programs"]) == 2
    assert flip("commission", "client", "POST", "/v1/commission", 409, body=body) == "Device already commissioned"
    assert [s["id"] for s in flip("sites/get", "client", "GET", "/v1/sites", pages=PAGED)] == [SITE]
    assert flip("site/update", "site", "PATCH", below, site_id=SITE, body={"city": "Ventura"})["city"] == "Ventura"
    assert flip("site/get", "site", "GET", below, site_id=SITE) == sim.state()["sites"][0]
    assert [d["id"] for d in flip("devices/get", "site", "GET", f"{below}/devices", site_id=SITE)] == [BATTERY, "second"]
    change = {"configuration": {"reserve_percentage": 30}}
    changed = flip("device/update", "site", "PATCH", f"{below}/device/second", site_id=SITE, device_id="second", body=change)
    assert changed["configuration"] == {"reserve_percentage": 30}
    assert flip("device/get", "site", "GET", f"{below}/device/second", site_id=SITE, device_id="second") == changed
    gone = flip("device/delete", "site", "DELETE", f"{below}/device/second", 204, site_id=SITE, device_id="second")
    assert gone is None and [d["id"] for d in sim.state()["devices"]] == [BATTERY]
    missing = flip("device/get", "site", "GET", f"{below}/device/second", 404, site_id=SITE, device_id="second")
    assert missing == "Device not found"
    # Programs and enrollments.
    by_zip = {"zip_code": "88801", "device_type": "BATTERY"}
    programs = flip("client_programs/get", "client", "GET", "/v1/programs", query=by_zip)
    program = programs[1]
    offered = flip("programs/get", "site", "GET", f"{below}/programs", pages=PAGED, site_id=SITE, query={"device_type": "BATTERY"})
    assert offered == programs
    where = f"{below}/program/{program['id']}"
    assert flip("program/get", "site", "GET", where, site_id=SITE, program_id=program["id"]) == program
    body = {"device_ids": [BATTERY], "program_id": program["id"], "enroll_method": "USER_ACTION"}
    body.update(has_agreed_to_terms_and_conditions=True, terms_and_conditions_version="2025-01-01")
    body.update(program_specific_attributes=[{"name": "account_id", "value": "7"}])
    made = flip("enrollment/create", "site", "POST", f"{below}/enrollments", site_id=SITE, body=body)
    assert made["status"] == "PENDING" and flip("enrollments/get", "site", "GET", f"{below}/enrollments", site_id=SITE) == [made]
    where = f"{below}/enrollment/{made['id']}"
    assert flip("enrollment/delete", "site", "DELETE", where, 204, site_id=SITE, enrollment_id=made["id"]) is None
    assert sim.state()["enrollments"][0]["status"] == "UNENROLLED"
    # Events and commands.
    event = sim.control("POST", "event", {"site_id": SITE, "starts_in_s": 600, "mode": "BACKUP"})["id"]
    where, ids = f"{below}/event/{event}", {"site_id": SITE, "event_id": event}
    assert flip("event/update", "site", "PATCH", where, **ids, body={"is_participating": False})["is_participating"] is False
    assert flip("event/get", "site", "GET", where, **ids) == sim.state()["events"][0]
    several = {"status": ["ACTIVE", "UPCOMING"]}
    found = flip("events/get", "site", "GET", f"{below}/events", site_id=SITE, query=several)
    assert [e["id"] for e in found] == [event]
    [command] = flip("commands/get", "client", "GET", "/v1/commands")
    assert command["event_id"] == event and command["status"] == "OPT_OUT"
    answer = {"device_status": "FAILED_FAULT", "device_status_reason": "the fuse is out"}
    where = f"/v1/command/{command['id']}"
    done = flip("command/update", "client", "PATCH", where, command_id=command["id"], body=answer)
    assert (done["device_status"], done["device_status_reason"]) == ("FAILED_FAULT", "the fuse is out")
    # Telemetry, settings, supplements.
    point, reading = {**MEASURED, "start_time": START, "duration_s": 300}, {**MEASURED, "timestamp": START}
    sent = flip("telemetry/report", "client", "POST", "/v1/telemetry/BATTERY", body={"telemetry": [point]})
    counted = flip("telemetry_counter/report", "client", "POST", "/v1/telemetry/BATTERY_COUNTER", body={"telemetry": [reading]})
    assert sent == counted == [{"status": "OK"}]
    assert {p["endpoint"] for p in sim.points(BATTERY)} == {"BATTERY", "BATTERY_COUNTER"}
    asked = sim.control("POST", "settings", {"device_id": BATTERY, "reserve": 20})["id"]
    where = f"/v1/settings/{asked}"
    assert flip("settings/update", "client", "PATCH", where, settings_request_id=asked, body={"status": "OK"})["answer"]
    assert flip("supplements/create", "client", "POST", "/v1/supplements", body={"a": [1, "ü"]})["a"] == [1, "ü"]
    assert len(flip.asked) == 24
