"""Telemetry is checked item by item, answered by index, kept in order, and faults of the sender are counted."""
import pytest
from simulator import locations, point, reading


def post(sim, *items, endpoint="BATTERY"):
    answer = sim.send("POST", "/v1/telemetry/" + endpoint, {"telemetry": list(items)})
    assert answer.status == 200, (answer.status, answer.raw)
    return answer.json


def test_a_full_point_comes_back_as_it_was(known):
    sent = point(oem_raw_data={"a": [1, "x"]}, battery_last_power_charge_w=0.1)
    assert post(known, sent) == [{"status": "OK"}]
    [kept] = known.control("GET", "points?device=d1")
    request = known.control("GET", "requests?limit=1&path=/v1/telemetry")["requests"][0]
    assert kept == {**sent, "seq": 1, "request": request["index"], "endpoint": "BATTERY"}
    assert (request["points"], request["token"], request["status"]) == (1, "client", 200)


def test_an_offline_point_may_be_null_but_for_its_key(known):
    keys = ("start_time", "duration_s", "device_id", "last_is_online")
    offline = {name: value if name in keys else None for name, value in point(last_is_online=False).items()}
    assert post(known, offline) == [{"status": "OK"}]
    for name in ("start_time", "duration_s", "device_id"):
        assert post(known, {**offline, name: None})[0]["status"] == "FAILED"


@pytest.mark.parametrize("change, message", [
    ({"device_id": "d2"}, "unknown device"),
    ({"device_id": 5}, "device_id: expected an id"),
    ({"start_time": "2025-02-30T00:00:00Z"}, "start_time: expected a date-time with a zone"),
    ({"start_time": "2025-01-01T00:00:00"}, "start_time: expected a date-time with a zone"),
    ({"duration_s": 0}, "duration_s: expected a number of seconds above 0 and at most 2678400"),
    ({"duration_s": 2678401}, "duration_s: expected a number of seconds above 0 and at most 2678400"),
    ({"duration_s": "300"}, "duration_s: expected a number of seconds above 0 and at most 2678400"),
    ({"last_is_online": 1}, "last_is_online: expected true, false or null"),
    ({"last_mode": "AUTO"},
     "last_mode: expected BACKUP, CHARGE, DISCHARGE, SAVINGS, SELF_CONSUMPTION, STANDBY or null"),
    ({"home_last_power_w": -1}, "home_last_power_w: expected a number >= 0 or null"),
    ({"solar_total_energy_wh": "5"}, "solar_total_energy_wh: expected a number >= 0 or null"),
    ({"battery_last_state_of_charge_percentage": 100.1},
     "battery_last_state_of_charge_percentage: expected a number from 0 to 100 or null"),
    ({"oem_raw_data": []}, "oem_raw_data: expected an object or null"),
    ({"grid_power_w": 1}, "grid_power_w: unknown field"),
    ({"timestamp": "2025-01-01T00:00:00Z"}, "timestamp: unknown field"),
])
def test_a_bad_item_fails_alone_with_its_reason(known, change, message):
    good = point(start="2025-01-02T00:00:00Z")
    assert post(known, good, point(**change), point()) == [
        {"status": "OK"}, {"status": "FAILED", "message": message}, {"status": "OK"}]
    assert known.stats()["rejected"] == 1 and known.stats()["stored"] == 2
    [problem] = known.control("GET", "problems")
    assert (problem["kind"], problem["item"], problem["message"]) == ("rejected", 1, message)


def test_missing_and_repeated_names(known):
    short = point()
    del short["duration_s"], short["last_mode"]
    assert post(known, short, {}, 7) == [
        {"status": "FAILED", "message": "duration_s: required"},
        {"status": "FAILED", "message": "start_time: required"},
        {"status": "FAILED", "message": "item: expected an object"}]
    twice = b'{"telemetry":[{"start_time":"2025-01-01T00:00:00Z","start_time":"2025-01-01T00:00:00Z"}]}'
    answer = known.send("POST", "/v1/telemetry/BATTERY", twice)
    assert answer.json == [{"status": "FAILED", "message": "start_time: given twice"}]
    short["duration_s"] = 300
    assert post(known, short) == [{"status": "OK"}]
    assert known.stats()["incomplete"] == 1


def test_the_whole_body_is_refused_where_it_is_none(known):
    path = "/v1/telemetry/BATTERY"
    assert locations(known.send("POST", path, {})) == [["body", "telemetry"]]
    assert locations(known.send("POST", path, {"telemetry": {}})) == [["body", "telemetry"]]
    assert locations(known.send("POST", path, {"telemetry": [], "x": 1})) == [["body", "x"]]
    answer = known.send("POST", path, {"telemetry": [point()] * 1001})
    assert locations(answer) == [["body", "telemetry"]] and "at most 1000" in answer.json["detail"][0]["msg"]
    assert post(known) == []
    assert len(post(known, *[point()] * 1000)) == 1000
    assert known.stats()["stored"] == 1 and known.stats()["duplicates"] == 999


def test_duplicates_conflicts_and_overlaps_are_told_apart(known):
    at = lambda minute, **more: point(start=f"2025-01-01T00:{minute:02}:00.000Z", **more)
    post(known, at(10), at(20), at(15))
    assert known.stats()["overlaps"] == 0
    post(known, at(10), {**at(10), "start_time": "2025-01-01 00:10:00.000Z"})
    assert (known.stats()["duplicates"], known.stats()["conflicts"]) == (2, 0)
    post(known, at(10, home_last_power_w=601), at(10, home_last_power_w=None), at(10, duration_s=299))
    assert (known.stats()["conflicts"], known.stats()["overlaps"]) == (3, 0)
    post(known, at(9))
    post(known, at(24))
    post(known, at(30, duration_s=3600), at(40), at(50))
    assert known.stats()["overlaps"] == 4
    assert [p["home_last_power_w"] for p in known.control("GET", "points")] == [600] * 8
    kinds = [p["kind"] for p in known.control("GET", "problems")]
    assert kinds == ["duplicate"] * 2 + ["conflict"] * 3 + ["overlap"] * 4


def test_counter_readings_have_a_timestamp_and_never_fall(known):
    assert post(known, reading(), endpoint="BATTERY_COUNTER") == [{"status": "OK"}]
    assert post(known, point(), endpoint="BATTERY_COUNTER")[0]["message"] == "start_time: unknown field"
    later = {"at": "2025-01-01T00:05:00.000Z"}
    post(known, reading(**later, solar_total_energy_wh=151), endpoint="BATTERY_COUNTER")
    post(known, reading(at="2025-01-01T00:10:00Z", solar_total_energy_wh=150.5), endpoint="BATTERY_COUNTER")
    again = reading(**later)
    del again["oem_raw_data"]  # not asked for here
    post(known, again, endpoint="BATTERY_COUNTER")
    stats = known.stats()
    assert (stats["counter_decreases"], stats["conflicts"], stats["overlaps"], stats["incomplete"]) == (1, 1, 0, 0)
    post(known, point())
    assert len(known.control("GET", "points?endpoint=BATTERY_COUNTER")) == 3
    assert len(known.control("GET", "points?endpoint=BATTERY")) == 1


def test_points_can_be_read_on_from_a_seq(known):
    post(known, *[point(start=f"2025-01-01T{h:02}:00:00.000Z") for h in range(10)])
    assert [p["seq"] for p in known.control("GET", "points?since=7")] == [8, 9, 10]
    assert [p["seq"] for p in known.control("GET", "points?limit=2")] == [1, 2]
    assert known.control("GET", "points?device=other") == []


def test_memory_is_bounded_by_keep_points(start):
    sim = start("--keep-points", "10", "--auto-register")
    hours = [point(f"d{h % 2}", f"2025-01-01T{h:02}:00:00.000Z") for h in range(24)]
    assert all(r["status"] == "OK" for r in post(sim, *hours))
    assert [p["seq"] for p in sim.control("GET", "points")] == list(range(15, 25))
    stats = sim.stats()
    assert (stats["stored"], stats["forgotten"], stats["devices_reporting"]) == (24, 14, 2)
    post(sim, *hours[-10:])
    assert sim.stats()["duplicates"] == 10


def test_unknown_devices_become_known_only_with_auto_register(start):
    assert post(start("--auto-register"), point("new")) == [{"status": "OK"}]
