"""A long outage of the cloud costs no point, and its backlog goes up in few, large requests."""
import os

import pytest
from harness import Bridge
from harness.fleet import Told, Traffic, all_arrive, fleet_config

SLOW = os.environ.get("F2M_SLOW_TESTS") == "1"


# 2,500 points of 10 devices take 250 s; 100 devices make as many in 25.
@pytest.mark.parametrize("devices", [100, pytest.param(10, marks=pytest.mark.skipif(not SLOW, reason="F2M_SLOW_TESTS"))])
def test_2500_points_wait_and_go_up_in_full_requests(tmp_path, broker, mqtt, sim, devices):
    with Bridge(tmp_path, fleet_config(broker, sim, tmp_path, devices)) as bridge:
        mqtt.subscribe("flip2mqtt/#")
        told = Told(mqtt)
        bridge.start_online(mqtt)
        sim.outage()
        with Traffic(mqtt, devices, every=0.5):
            points = told.wait(2500, timeout=2500 / devices + 40)
        health = mqtt.wait_for("flip2mqtt/bridge/health", lambda m: m.json()["outbox"]["pending"] > 2000, 20).json()
        assert health["cloud_reachable"] is False and health["outbox"]["oldest_start_time"] == min(k[1] for k in points)
        before = sim.stats()
        if devices == 100:  # a restart spares the wait for the end of the backoff
            bridge.stop()
            sim.outage(False)
            bridge.start_online(mqtt)
        sim.outage(False)
        all_arrive(sim, points, 90)
        points = told.pending
        stats = sim.stats()
        requests = stats["telemetry_requests"] - before["telemetry_requests"]
        print(f"{len(points)} points of {devices} devices in {requests} requests, the largest {stats['largest_batch']}")
        assert stats["largest_batch"] <= 1000 and stats["duplicates"] == 0 and stats["rejected"] == 0, stats
        assert stats["largest_batch"] > 500, "a backlog goes up in large requests"
        bridge.stop()
