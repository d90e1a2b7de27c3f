"""Every endpoint of Flip's API answers as documented, takes its own kind of token alone, and refuses bad bodies."""
import pytest
from simulator import device, locations, wait_for

CLIENT = [
    ("POST", "/v1/auth/site/s1"), ("POST", "/v1/commission"), ("GET", "/v1/commands"), ("PATCH", "/v1/command/x"),
    ("POST", "/v1/telemetry/BATTERY"), ("POST", "/v1/telemetry/BATTERY_COUNTER"), ("PATCH", "/v1/settings/x"),
    ("POST", "/v1/supplements"), ("GET", "/v1/sites"), ("GET", "/v1/programs"),
]
SITE = [
    ("GET", "/v1/site/s1"), ("PATCH", "/v1/site/s1"), ("GET", "/v1/site/s1/devices"),
    ("GET", "/v1/site/s1/device/d1"), ("PATCH", "/v1/site/s1/device/d1"), ("DELETE", "/v1/site/s1/device/x"),
    ("POST", "/v1/site/s1/enrollments"), ("GET", "/v1/site/s1/enrollments"), ("DELETE", "/v1/site/s1/enrollment/x"),
    ("GET", "/v1/site/s1/programs"), ("GET", "/v1/site/s1/program/x"), ("GET", "/v1/site/s1/events"),
    ("GET", "/v1/site/s1/event/x"), ("PATCH", "/v1/site/s1/event/x"),
]


def test_there_are_24_endpoints():
    assert len(CLIENT) + len(SITE) == 24


@pytest.mark.parametrize("kind", ["client", "site"])
def test_each_endpoint_takes_its_own_kind_of_token_alone(known, kind):
    site_token = known.site_token()
    right, wrong = ("sim-client-token", site_token) if kind == "client" else (site_token, "sim-client-token")
    for method, path in CLIENT if kind == "client" else SITE:
        assert known.send(method, path, {}, token=None).status == 401, path
        assert known.send(method, path, {}, token="nonsense").status == 401, path
        assert known.send(method, path, {}, token=wrong).status == 403, path
        assert known.send(method, path, {}, token=right).status not in (401, 403, 405), path


def test_a_site_token_opens_its_own_site_alone(known):
    known.commission("s2", ["d2"])
    assert known.send("GET", "/v1/site/s2", token=known.site_token("s1")).status == 403
    assert known.send("GET", "/v1/site/s2", token=known.site_token("s2")).status == 200


def test_site_tokens_expire_and_tokens_can_be_revoked(start):
    sim = start("--site-token-ttl", "1", "--token", "mine")
    assert sim.send("GET", "/v1/sites").status == 401
    sim.control("POST", "seed", {"sites": [{"id": "s1"}]})
    made = sim.send("POST", "/v1/auth/site/s1", token="mine").json
    assert set(made) == {"site_access_token", "expires_at"} and made["expires_at"].endswith("Z")
    wait_for(lambda: sim.send("GET", "/v1/site/s1", token=made["site_access_token"]).status == 401)
    sim.control("POST", "token", {"client": "revoke"})
    assert sim.send("GET", "/v1/sites", token="mine").status == 401
    sim.control("POST", "token", {"client": "accept", "site_token_ttl_s": 60})
    token = sim.send("POST", "/v1/auth/site/s1", token="mine").json["site_access_token"]
    sim.control("POST", "token", {"site": "revoke"})
    assert sim.send("GET", "/v1/site/s1", token=token).status == 401


def test_unknown_things_are_404_and_other_methods_405(known):
    token = known.site_token()
    assert known.send("POST", "/v1/auth/site/nobody").status == 404
    for path in ("device/x", "program/x", "event/x"):
        answer = known.send("GET", "/v1/site/s1/" + path, token=token)
        assert answer.status == 404 and "not found" in answer.json["message"]
    assert known.send("GET", "/v1/nothing").status == 404
    assert known.send("GET", "/v1/sites/").status == 404
    answer = known.send("PUT", "/v1/site/s1", token=token)
    assert answer.status == 405 and answer.headers["Allow"] == "GET, PATCH"


def test_commissioning_gives_programs_and_an_enrollment_where_automatic(sim):
    answer = sim.commission(can_auto_enroll=True).json
    assert [p["name"] for p in answer["programs"]] == ["Sandbox automatic", "Sandbox with a form"]
    assert "zip_codes" not in answer["programs"][0]
    enrollment = answer["enrollment"]
    assert (enrollment["status"], enrollment["device_ids"], enrollment["enroll_method"]) == (
        "PENDING", ["d1"], "AUTO_ENROLL")
    assert sim.commission("s2", ["d2"]).json["enrollment"] is None
    answer = sim.send("POST", "/v1/commission", {"site": {"id": "far", "zip_code": "10001"},
                                                 "devices": [device("d3", "far")], "can_auto_enroll": True}).json
    assert answer == {"programs": [], "enrollment": None}


def test_commissioning_again_conflicts_but_a_new_device_joins(known):
    assert known.commission().status == 409
    assert known.commission(devices=["d2", "d1"]).status == 409
    assert known.commission("s2", ["d1"]).status == 409
    assert known.commission(devices=["d2"]).status == 200
    devices = known.send("GET", "/v1/site/s1/devices", token=known.site_token()).json
    assert [d["id"] for d in devices] == ["d1", "d2"]
    assert [s["id"] for s in known.send("GET", "/v1/sites").json] == ["s1"]


def test_a_bad_commissioning_names_every_mistake_and_stores_nothing(sim):
    bad = device("d1", "other", type="TOASTER", attributes={})
    del bad["install_date"]
    body = {"site": {"id": "s1", "state_code": "DC", "zip": 1}, "devices": [bad, device("d2", attributes={})]}
    assert sorted(map(str, locations(sim.send("POST", "/v1/commission", body)))) == sorted(map(str, [
        ["body", "site", "state_code"], ["body", "site", "zip"], ["body", "devices", 0, "type"],
        ["body", "devices", 0, "install_date"], ["body", "devices", 0, "site_id"],
        ["body", "devices", 1, "attributes", "battery_capacity_wh"],
        ["body", "devices", 1, "attributes", "battery_power_input_w"],
        ["body", "devices", 1, "attributes", "battery_power_output_w"]]))
    assert locations(sim.send("POST", "/v1/commission", {"site": {"id": "s1"}, "devices": []})) == [["body", "devices"]]
    assert locations(sim.commission(devices=["d1", "d1"])) == [["body", "devices", 1, "id"]]
    asked = {"device_ids": ["d1"], "program_id": "none", "enroll_method": "USER_ACTION"}
    assert locations(sim.commission(enrollment=asked)) == [["body", "enrollment", "program_id"]]
    assert sim.send("GET", "/v1/sites").json == []


def test_json_must_be_json(known):
    for text in (b"", b"{", b"{}x", b"\xff"):
        answer = known.send("POST", "/v1/commission", text)
        assert answer.status == 422 and answer.json["detail"][0]["type"] == "json_invalid"
    assert locations(known.send("POST", "/v1/commission", b"[]")) == [["body"]]


def test_sites_are_paged(sim):
    sim.control("POST", "seed", {"sites": [{"id": f"s{i}"} for i in range(150)]})
    ids = lambda query: [s["id"] for s in sim.send("GET", "/v1/sites" + query).json]
    assert ids("") == [f"s{i}" for i in range(100)]
    assert ids("?skip=100&limit=100") == [f"s{i}" for i in range(100, 150)]
    assert ids("?skip=3&limit=2") == ["s3", "s4"]
    assert ids("?skip=150") == [] and ids("?limit=0") == []
    assert locations(sim.send("GET", "/v1/sites?skip=-1")) == [["query", "skip"]]


def test_site_and_device_can_be_changed(known):
    token = known.site_token()
    before = known.send("GET", "/v1/site/s1", token=token).json
    after = known.send("PATCH", "/v1/site/s1", {"first_name": "Ann", "city": None}, token=token).json
    assert (after["first_name"], after["state_code"], after["id"]) == ("Ann", "CA", "s1")
    assert after["updated_at"] > before["updated_at"] and after["created_at"] == before["created_at"]
    assert locations(known.send("PATCH", "/v1/site/s1", {"id": "x"}, token=token)) == [["body", "id"]]
    changes = {"attributes": {"battery_capacity_wh": "12000"}, "configuration": {"reserve_percentage": 30}}
    changed = known.send("PATCH", "/v1/site/s1/device/d1", changes, token=token).json
    assert changed["attributes"] == {"battery_capacity_wh": 12000, "battery_power_input_w": 5000,
                                     "battery_power_output_w": 5000}
    assert changed["configuration"] == {"reserve_percentage": 30}
    bad = {"configuration": {"reserve_percentage": 101}}
    assert locations(known.send("PATCH", "/v1/site/s1/device/d1", bad, token=token)) == [
        ["body", "configuration", "reserve_percentage"]]


def test_ids_may_hold_any_character(sim):
    site, battery = "a/b +ä?", "100%/#"
    assert sim.commission(site, [battery]).status == 200
    token = sim.site_token("a%2Fb%20%2B%C3%A4%3F")
    found = sim.send("GET", "/v1/site/a%2Fb%20%2B%C3%A4%3F/device/100%25%2F%23", token=token)
    assert found.status == 200 and found.json["id"] == battery and found.json["site_id"] == site
    assert sim.send("GET", "/v1/site/%zz", token=token).status == 422


def test_a_deleted_device_is_gone_and_leaves_its_enrollment(sim):
    sim.commission(devices=["d1", "d2"], can_auto_enroll=True)
    token = sim.site_token()
    assert sim.send("DELETE", "/v1/site/s1/device/d1", token=token).status == 204
    assert sim.send("GET", "/v1/site/s1/device/d1", token=token).status == 404
    [enrollment] = sim.send("GET", "/v1/site/s1/enrollments", token=token).json
    assert (enrollment["device_ids"], enrollment["status"]) == (["d2"], "PENDING")
    sim.send("DELETE", "/v1/site/s1/device/d2", token=token)
    [enrollment] = sim.send("GET", "/v1/site/s1/enrollments", token=token).json
    assert (enrollment["device_ids"], enrollment["status"]) == ([], "UNENROLLED")


def test_programs_by_zip_code_and_type(known):
    token = known.site_token()
    known.control("POST", "program", {"name": "Cars", "eligible_device_types": ["EV_CHARGER"]})
    names = lambda query: [p["name"] for p in known.send("GET", "/v1/site/s1/programs" + query, token=token).json]
    assert names("?device_type=BATTERY") == ["Sandbox automatic", "Sandbox with a form"]
    assert names("?device_type=BATTERY&skip=1&limit=5") == ["Sandbox with a form"]
    assert names("?device_type=BATTERY&zip_code=10001") == []
    assert names("?device_type=EV_CHARGER") == ["Cars"]
    assert locations(known.send("GET", "/v1/site/s1/programs", token=token)) == [["query", "device_type"]]
    programs = known.send("GET", "/v1/programs").json
    assert len(programs) == 3
    one = known.send("GET", "/v1/site/s1/program/" + programs[0]["id"], token=token).json
    assert one == programs[0]


def enrollment_body(sim, name, **changes):
    program = next(p for p in sim.send("GET", "/v1/programs").json if p["name"] == name)
    return {"device_ids": ["d1"], "program_id": program["id"], "enroll_method": "USER_ACTION", **changes}


def test_enrolling_needs_the_form_the_terms_and_ones_own_devices(known):
    token = known.site_token()
    path = "/v1/site/s1/enrollments"
    body = enrollment_body(known, "Sandbox with a form", device_ids=["d9"], enroll_method="AUTO_ENROLL")
    assert locations(known.send("POST", path, body, token=token)) == [
        ["body", "device_ids", 0], ["body"], ["body", "program_specific_attributes"],
        ["body", "has_agreed_to_terms_and_conditions"], ["body", "terms_and_conditions_version"]]
    body = enrollment_body(known, "Sandbox with a form", has_agreed_to_terms_and_conditions=True,
                           terms_and_conditions_version="2025-01-01",
                           program_specific_attributes=[{"name": "account_id", "value": "1234567-0"}])
    made = known.send("POST", path, body, token=token)
    assert made.status == 200 and made.json["status"] == "PENDING" and made.json["enrolled_at"] is None
    again = known.send("POST", path, body, token=token)
    assert again.status == 409 and again.json == {"message": "Enrollment already exists"}


def test_an_enrollment_moves_by_time_and_by_control(start):
    sim = start("--enrollment-delay", "0")
    sim.commission()
    token = sim.site_token()
    path = "/v1/site/s1/enrollments"
    made = sim.send("POST", path, enrollment_body(sim, "Sandbox automatic"), token=token).json
    wait_for(lambda: sim.send("GET", path, token=token).json[0]["status"] == "ACTIVE")
    moved = sim.control("PATCH", "enrollment/" + made["id"], {"status": "NEEDS_ACTION", "status_reason": "call us"})
    assert (moved["status"], moved["status_reason"]) == ("NEEDS_ACTION", "call us")
    assert sim.send("DELETE", "/v1/site/s1/enrollment/" + made["id"], token=token).status == 204
    [gone] = sim.send("GET", path, token=token).json
    assert gone["status"] == "UNENROLLED" and gone["unenrolled_at"]
    assert sim.send("POST", path, enrollment_body(sim, "Sandbox automatic"), token=token).status == 200
    assert sim.send("DELETE", "/v1/site/s1/enrollment/none", token=token).status == 404
    rejected = sim.send("GET", path, token=token).json[1]["id"]
    sim.control("PATCH", "enrollment/" + rejected, {"status": "REJECTED"})
    assert sim.send("POST", path, enrollment_body(sim, "Sandbox automatic"), token=token).status == 409


def test_settings_and_supplements_pass_objects_through(known):
    made = known.control("POST", "settings", {"device_id": "d1", "anything": {"x": [1]}})
    answer = known.send("PATCH", "/v1/settings/" + made["id"], {"status": "whatever"})
    assert answer.status == 200 and answer.json["anything"] == {"x": [1]}
    assert answer.json["answer"] == {"status": "whatever"}
    assert known.send("PATCH", "/v1/settings/none", {}).status == 404
    assert known.send("PATCH", "/v1/settings/" + made["id"], []).status == 422
    answer = known.send("POST", "/v1/supplements", {"a": 1})
    assert answer.status == 200 and answer.json["a"] == 1
    assert known.send("POST", "/v1/supplements", [1]).status == 422
    assert known.control("GET", "state")["supplements"] == [answer.json]
