"""Commands and events live as Flip's do: acknowledged, sent again, canceled, opted out, started and ended."""
from simulator import locations, wait_for


def command(sim, **more):
    return sim.control("POST", "command", {"device_id": "d1", "mode": "DISCHARGE", "power_mode": "SETPOINT",
                                           "setpoint_w": 5000, "duration_s": 7200, **more})


def commands(sim):
    return sim.send("GET", "/v1/commands").json


def test_a_command_has_every_documented_member(known):
    made = command(known, starts_at="2030-01-01T00:00:00Z", enable_grid_import=False)
    assert commands(known) == [made]
    assert set(made) == {"id", "event_id", "device_id", "starts_at", "ends_at", "duration_s", "is_preparatory_action",
                         "battery_commands", "status", "device_status", "device_status_reason", "created_at",
                         "updated_at"}
    assert made["battery_commands"] == {"mode": "DISCHARGE", "power_mode": "SETPOINT", "setpoint_w": 5000,
                                        "enable_grid_import": False, "backup_reserve_percentage": None}
    assert (made["starts_at"], made["ends_at"], made["duration_s"]) == (
        "2030-01-01T00:00:00.000Z", "2030-01-01T02:00:00.000Z", 7200)
    assert (made["status"], made["device_status"], made["event_id"]) == ("OK", "PENDING", None)
    open_ended = command(known, duration_s=None)
    assert open_ended["ends_at"] is None and open_ended["duration_s"] is None
    assert known.send("POST", "/sim/command", {"device_id": "d9"}).status == 422


def test_acknowledging(known):
    path = "/v1/command/" + command(known)["id"]
    before = commands(known)[0]["updated_at"]
    answer = known.send("PATCH", path, {"device_status": "FAILED_OFFLINE", "device_status_reason": "no route"})
    assert answer.status == 200 and answer.json == commands(known)[0]
    assert (answer.json["device_status"], answer.json["device_status_reason"]) == ("FAILED_OFFLINE", "no route")
    assert answer.json["updated_at"] > before
    assert known.send("PATCH", path, {"device_status": "OK"}).json["device_status_reason"] is None
    assert locations(known.send("PATCH", path, {"device_status": "PENDING"})) == [["body", "device_status"]]
    assert locations(known.send("PATCH", path, {"status": "OK"})) == [["body", "status"], ["body", "device_status"]]
    assert known.send("PATCH", "/v1/command/none", {"device_status": "OK"}).status == 404
    assert [a["device_status"] for a in known.control("GET", "acknowledgements")] == ["FAILED_OFFLINE", "OK"]


def test_without_acknowledgement_it_fails_and_a_new_one_comes(start):
    sim = start("--ack-timeout", "1", "--auto-register")
    command(sim)
    acknowledged = command(sim, device_id="d2")
    sim.send("PATCH", "/v1/command/" + acknowledged["id"], {"device_status": "OK"})
    [old, new] = wait_for(lambda: [c for c in commands(sim) if c["device_id"] == "d1"][:2:1]
                          if len(commands(sim)) > 2 else None)
    assert old["device_status"] == "FAILED" and old["status"] == "OK"
    assert new["id"] != old["id"] and new["device_status"] == "PENDING"
    assert (new["starts_at"], new["battery_commands"]) == (old["starts_at"], old["battery_commands"])
    assert [c["id"] for c in commands(sim) if c["device_id"] == "d2"] == [acknowledged["id"]]


def test_a_changed_command_asks_for_a_new_acknowledgement(known):
    made = command(known)
    for change in ({"status": "CANCELED"}, {"status": "OPT_OUT"}, {"setpoint_w": 100}, {"duration_s": 60}):
        known.send("PATCH", "/v1/command/" + made["id"], {"device_status": "OK"})
        changed = known.control("PATCH", "command/" + made["id"], change)
        assert changed["device_status"] == "PENDING", change
    assert (changed["status"], changed["battery_commands"]["setpoint_w"], changed["duration_s"]) == ("OPT_OUT", 100, 60)
    odd = known.control("PATCH", "command/" + made["id"], {"extra": {"status": "LATER", "new_field": 1}})
    assert (odd["status"], odd["new_field"]) == ("LATER", 1)


def test_an_event_brings_schedule_and_commands(known):
    known.commission("s2", ["d2"])
    event = known.control("POST", "event", {
        "site_id": "s1", "starts_in_s": 3600, "duration_s": 7200, "schedule": [
            {"mode": "CHARGE", "is_preparatory_action": True, "starts_in_s": 1800, "duration_s": 1800},
            {"mode": "DISCHARGE", "power_mode": "FOLLOW_LOAD"}]})
    token = known.site_token()
    assert known.send("GET", "/v1/site/s1/events", token=token).json == [event]
    assert known.send("GET", "/v1/site/s1/event/" + event["id"], token=token).json == event
    assert set(event) == {"id", "program_id", "site_id", "starts_at", "ends_at", "duration_s", "schedule",
                          "device_settings", "status", "is_participating", "created_at", "updated_at"}
    assert (event["status"], event["is_participating"]) == ("UPCOMING", True)
    assert [(p["mode"], p["duration_s"], p["device_ids"], p["is_preparatory_action"]) for p in event["schedule"]] == [
        ("CHARGE", 1800, ["d1"], True), ("DISCHARGE", 7200, ["d1"], False)]
    charge, discharge = commands(known)
    assert charge["ends_at"] == discharge["starts_at"] == event["starts_at"] and charge["is_preparatory_action"]
    assert discharge["event_id"] == event["id"] and discharge["battery_commands"]["power_mode"] == "FOLLOW_LOAD"


def test_events_by_status_latest_start_first(known):
    token = known.site_token()
    for start, name in ((-9000, "past"), (-60, "now"), (600, "soon"), (6000, "late")):
        known.control("POST", "event", {"site_id": "s1", "id": name, "starts_in_s": start, "duration_s": 3600})
    known.control("PATCH", "event/soon", {"status": "CANCELED"})
    ids = lambda query: [e["id"] for e in known.send("GET", "/v1/site/s1/events" + query, token=token).json]
    assert ids("") == ["late", "soon", "now", "past"]
    assert ids("?status=ACTIVE") == ["now"]
    assert ids("?status=COMPLETED&status=UPCOMING") == ["late", "past"]
    assert locations(known.send("GET", "/v1/site/s1/events?status=CANCELED", token=token)) == [["query", "status"]]


def test_opting_out_and_in_again(known):
    event = known.control("POST", "event", {"site_id": "s1", "starts_in_s": 600, "mode": "DISCHARGE"})
    other = command(known)
    path, token = "/v1/site/s1/event/" + event["id"], known.site_token()
    mine = lambda: next(c for c in commands(known) if c["event_id"] == event["id"])
    known.send("PATCH", "/v1/command/" + mine()["id"], {"device_status": "OK"})
    answer = known.send("PATCH", path, {"is_participating": False}, token=token)
    assert answer.status == 200 and answer.json["is_participating"] is False
    assert (mine()["status"], mine()["device_status"]) == ("OPT_OUT", "PENDING")
    known.send("PATCH", path, {"is_participating": True}, token=token)
    assert mine()["status"] == "OK"
    assert next(c for c in commands(known) if c["id"] == other["id"]) == other
    assert locations(known.send("PATCH", path, {"is_participating": None}, token=token)) == [
        ["body", "is_participating"]]


def test_a_canceled_event_cancels_its_commands_and_is_over(known):
    event = known.control("POST", "event", {"site_id": "s1", "starts_in_s": -10, "mode": "DISCHARGE"})
    assert event["status"] == "ACTIVE"
    known.control("PATCH", "event/" + event["id"], {"status": "CANCELED"})
    assert [(c["status"], c["device_status"]) for c in commands(known)] == [("CANCELED", "PENDING")]
    late = known.send("PATCH", "/v1/site/s1/event/" + event["id"], {"is_participating": False},
                      token=known.site_token())
    assert late.status == 409


def test_time_moves_events_and_a_moved_event_moves_its_commands(known):
    token = known.site_token()
    event = known.control("POST", "event", {"site_id": "s1", "starts_in_s": 0.3, "duration_s": 0.5, "mode": "CHARGE"})
    status = lambda: known.send("GET", "/v1/site/s1/event/" + event["id"], token=token).json["status"]
    wait_for(lambda: status() == "ACTIVE")
    wait_for(lambda: status() == "COMPLETED")
    event = known.control("POST", "event", {"site_id": "s1", "starts_in_s": 600, "mode": "CHARGE"})
    moved = known.control("PATCH", "event/" + event["id"], {"duration_s": None})
    assert moved["ends_at"] is None and commands(known)[-1]["ends_at"] is None
