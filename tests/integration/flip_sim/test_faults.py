"""The fault plan spoils exactly what it names, and an outage everything but the control interface."""
import http.client
import json
import time

import pytest
from simulator import point, wait_for

BROKEN = (ConnectionResetError, http.client.RemoteDisconnected, http.client.IncompleteRead)


def plan(sim, *rules):
    return sim.control("POST", "fault", list(rules))


def post(sim, *items):
    return sim.send("POST", "/v1/telemetry/BATTERY", {"telemetry": list(items)})


def test_status_with_retry_after_for_the_nth_requests(known):
    plan(known, {"method": "GET", "path": "/v1/si", "nth": 2, "count": 2, "status": 429, "retry_after": 7},
         {"path": "/v1/programs", "status": 503, "retry_after": "Wed, 21 Oct 2015 07:28:00 GMT", "body": {"error": "x"}})
    assert [known.send("GET", "/v1/sites").status for _ in range(4)] == [200, 429, 429, 200]
    answer = known.send("GET", "/v1/programs")
    assert (answer.status, answer.json) == (503, {"error": "x"})
    assert answer.headers["Retry-After"] == "Wed, 21 Oct 2015 07:28:00 GMT"
    assert [(rule["seen"], rule["hits"]) for rule in known.control("GET", "fault")] == [(4, 2), (1, 1)]
    known.control("DELETE", "fault")
    assert known.send("GET", "/v1/programs").status == 200
    faults = [r["fault"] for r in known.control("GET", "requests?path=/v1/sites")["requests"]]
    assert faults == [None, "status", "status", None]


def test_raw_retry_after_and_nth_alone(known):
    plan(known, {"nth": 2, "status": 503, "retry_after": "soon"})
    answers = [known.send("GET", "/v1/sites") for _ in range(3)]
    assert [a.status for a in answers] == [200, 503, 200] and answers[1].headers["Retry-After"] == "soon"


def test_a_failed_request_stores_nothing_unless_processed(known):
    plan(known, {"status": 500, "count": 1})
    assert post(known, point()).status == 500 and known.stats()["stored"] == 0
    known.control("DELETE", "fault")
    plan(known, {"status": 500, "process": True, "count": 1})
    assert post(known, point()).status == 500 and known.stats()["stored"] == 1


def test_reset_before_and_after_processing(known):
    plan(known, {"reset": "before", "count": 1})
    with pytest.raises(BROKEN):
        post(known, point())
    assert known.stats()["stored"] == 0
    plan(known, {"reset": "after", "count": 1})
    with pytest.raises(BROKEN):
        post(known, point())
    assert known.stats()["stored"] == 1
    assert known.control("GET", "requests")["totals"]["reset"] == 2


def test_items_fail_by_index_device_and_time(known):
    known.commission("s2", ["d2"])
    second = "2025-01-01T00:05:00.000Z"
    plan(known, {"item": {"index": 1}, "failed": "by index", "count": 1})
    assert [r.get("message") for r in post(known, point(), point(start=second)).json] == [None, "by index"]
    known.control("DELETE", "fault")
    plan(known, {"item": {"device_id": "d2", "start_time": second}, "failed": "by key"})
    items = [point("d2"), point("d2", second), point("d1", second)]
    for _ in range(2):
        assert [r.get("message") for r in post(known, *items).json] == [None, "by key", None]
    assert {(p["device_id"], p["start_time"]) for p in known.control("GET", "points")} == {
        ("d1", "2025-01-01T00:00:00.000Z"), ("d2", "2025-01-01T00:00:00.000Z"), ("d1", second)}


def test_a_poison_point_spoils_its_whole_batch(known):
    plan(known, {"item": {"device_id": "d1", "start_time": "2025-01-01T00:00:00Z"}, "status": 422})
    good = point(start="2025-01-02T00:00:00Z")
    assert post(known, good, point()).status == 422 and known.stats()["stored"] == 0
    assert post(known, good).json == [{"status": "OK"}]


def test_413_above_a_size(known):
    plan(known, {"above_bytes": 2000, "status": 413})
    assert post(known, *[point()] * 5).status == 413
    assert post(known, point()).status == 200


@pytest.mark.parametrize("kind", ["html", "empty", "garbage"])
def test_invalid_bodies(known, kind):
    plan(known, {"invalid_body": kind})
    answer = post(known, point())
    assert answer.status == 200 and known.stats()["stored"] == 1
    with pytest.raises(ValueError):
        json.loads(answer.raw)
    known.control("DELETE", "fault")
    plan(known, {"invalid_body": kind, "status": 502})
    assert post(known, point()).status == 502


def test_huge_and_truncated_bodies(known):
    plan(known, {"invalid_body": "huge", "huge_bytes": 5000000, "count": 1})
    assert len(known.send("GET", "/v1/sites").raw) == 5000000
    plan(known, {"truncate_at": 10, "count": 1})
    with pytest.raises(http.client.IncompleteRead) as caught:
        known.send("GET", "/v1/sites")
    assert len(caught.value.partial) == 10


def test_a_delay_holds_one_answer_and_no_other(known):
    plan(known, {"path": "/v1/programs", "delay_ms": 400})
    connection = http.client.HTTPConnection("127.0.0.1", known.port, timeout=20)
    began = time.monotonic()
    connection.request("GET", "/v1/programs", headers={"Authorization": "Bearer sim-client-token"})
    assert known.send("GET", "/v1/sites").status == 200
    assert time.monotonic() - began < 0.4
    assert connection.getresponse().status == 200 and time.monotonic() - began >= 0.4
    connection.close()


def test_a_stall_gives_no_answer(known):
    plan(known, {"stall": True})
    with pytest.raises(TimeoutError):
        known.send("GET", "/v1/sites", timeout=0.3)
    known.control("DELETE", "fault")
    plan(known, {"stall_ms": 100})
    with pytest.raises(BROKEN):
        known.send("GET", "/v1/sites")


def test_an_outage_resets_everything_but_the_control_interface(known):
    known.control("POST", "outage", {"on": True})
    with pytest.raises(BROKEN):
        known.send("GET", "/v1/sites")
    assert known.control("GET", "state")["outage"] is True
    known.control("POST", "outage", {"on": True, "status": 503})
    assert known.send("GET", "/v1/sites").status == 503
    known.control("POST", "outage", {"on": False})
    assert known.send("GET", "/v1/sites").status == 200
    known.control("POST", "outage", {"seconds": 0.3, "status": 502})
    assert known.send("GET", "/v1/sites").status == 502
    wait_for(lambda: known.send("GET", "/v1/sites").status == 200)


@pytest.mark.parametrize("rule", [
    {"statsu": 503}, {"status": 99}, {"failed": "x"}, {"item": {"index": 1}}, {"item": {"x": 1}, "status": 500},
    {"reset": "now"}, {"status": 503, "retry_after": "a\r\nb"}])
def test_a_rule_that_cannot_be_is_refused(sim, rule):
    assert sim.send("POST", "/sim/fault", {"rules": [{"status": 500}, rule]}).status == 422
    assert sim.control("GET", "fault") == []
