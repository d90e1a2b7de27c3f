"""What Flip refuses stands alone: it is kept with Flip's words, listed, tried again or dropped, and holds up nothing else."""
import json

import pytest
from harness import Bridge, until
from harness.fleet import Told, Traffic, all_arrive, fleet_config, key

DEVICES = 5


@pytest.fixture
def fleet(tmp_path, broker, sim):
    with Bridge(tmp_path, fleet_config(broker, sim, tmp_path, DEVICES)) as bridge:
        yield bridge


def outbox(bridge, *words):
    done = bridge.command("outbox", *words, "--json")
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def backlog(bridge, mqtt, sim, count):
    """So many points wait, and the cloud is away."""
    mqtt.subscribe("flip2mqtt/#")
    told = Told(mqtt)
    sim.outage()
    bridge.start_online(mqtt)
    with Traffic(mqtt, DEVICES):
        told.wait(count)
    return told


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_poison_point_is_found_and_only_it_is_rejected(fleet, mqtt, sim, status):
    told = backlog(fleet, mqtt, sim, 25)
    poison = sorted(told.pending)[7]
    rule = {"item": {"device_id": poison[0], "start_time": poison[1]}, "status": status, "body": {"message": "not this one"}}
    sim.fault(**rule)
    sim.outage(False)
    all_arrive(sim, told.pending, but=[poison])
    until(lambda: outbox(fleet, "stats")["rejected"] == 1, 20, "one rejected point", 0.3)
    listed = [p for p in outbox(fleet, "list")["points"] if p["state"] == "rejected"]
    assert [(p["device_id"], p["start_time"]) for p in listed] == [poison]
    assert "not this one" in listed[0]["message"]
    # The search halves: what Flip refused counts, not the live points that went up meanwhile.
    refused = [r for r in sim.requests(path="/v1/telemetry")["requests"] if r["status"] == status]
    assert 0 < len(refused) < 30, refused
    fleet.stop()


def test_what_flip_failed_by_index_is_kept_listed_retried_and_dropped(fleet, mqtt, sim):
    told = backlog(fleet, mqtt, sim, 15)
    ends = sorted(told.pending, key=lambda k: (k[1], k[0]))
    bad = sorted({k[0]: k for k in ends}.values())[:3]  # of three devices
    for device, start in bad:
        sim.fault(item={"device_id": device, "start_time": start}, failed=f"no {device}")
    sim.outage(False)
    all_arrive(sim, told.pending, but=bad)
    until(lambda: outbox(fleet, "stats")["rejected"] == 3, 20, "three rejected points", 0.3)

    def rejected():
        return {key(p): p["message"] for p in outbox(fleet, "list")["points"] if p["state"] == "rejected"}

    assert rejected() == {k: f"no {k[0]}" for k in bad}, "beside the bridge"
    health = mqtt.wait_for("flip2mqtt/bridge/health", lambda m: m.json()["outbox"]["rejected"] == 3, 20)
    assert health.json()["outbox"]["pending"] >= 0
    fleet.stop()
    assert rejected() == {k: f"no {k[0]}" for k in bad}, "from the database alone"
    text = fleet.command("outbox", "list")
    assert text.returncode == 0 and f"no {bad[0][0]}" in text.stdout
    assert outbox(fleet, "drop", "--device", bad[0][0])["dropped"] == 1
    left = bad[1:]
    assert sorted(rejected()) == left
    sim.no_faults()
    fleet.start_online(mqtt)
    assert sorted(rejected()) == left, "survives the restart"
    assert outbox(fleet, "retry")["retried"] == len(left)
    all_arrive(sim, {k: told.pending[k] for k in left})
    until(lambda: outbox(fleet, "stats")["rejected"] == 0, 20, "nothing rejected", 0.3)
    fleet.stop()


def test_outbox_operations_on_mqtt_need_leave(fleet, mqtt):
    mqtt.subscribe("flip2mqtt/#")
    fleet.write(fleet.file.read_text() + "requests: { allow: [read] }\n")
    fleet.start_online(mqtt)
    answer = mqtt.request("outbox/stats")
    assert answer["status"] == "error" and "requests.allow" in answer["error"] and "outbox" in answer["error"]
    assert answer["http_status"] is None
    fleet.write(fleet.file.read_text().replace("[read]", "[outbox]"))
    since = len(fleet.process.lines)
    fleet.reload()
    fleet.wait_log("(?i)configuration", since=since)
    assert mqtt.request("outbox/stats")["data"]["rejected"] == 0
    assert mqtt.request("outbox/retry")["status"] == "ok"
    fleet.stop()
