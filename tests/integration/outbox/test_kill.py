"""kill -9 at any moment under load: every point that MQTT reported as pending arrives in the cloud, with that content."""
import os
import random
import time

from harness import Bridge
from harness.fleet import Told, Traffic, all_arrive, fleet_config

KILLS = 100 if os.environ.get("F2M_SLOW_TESTS") == "1" else 10
DEVICES = 20


def test_ten_kills_under_load(tmp_path, broker, mqtt, sim):
    seed = int(os.environ.get("F2M_SEED") or random.randrange(1 << 32))
    print(f"seed {seed} (F2M_SEED={seed} runs it again)")
    chance = random.Random(seed)
    mqtt.subscribe("flip2mqtt/device/#")
    told = Told(mqtt)
    with Bridge(tmp_path, fleet_config(broker, sim, tmp_path, DEVICES)) as bridge, Traffic(mqtt, DEVICES, every=0.05):
        for _ in range(KILLS):
            sim.no_faults()
            trouble = chance.choice([None, {"reset": "after"}, {"reset": "before"}, {"status": 503}, {"delay_ms": 700}])
            if trouble:
                sim.fault(path="/v1/telemetry", count=3, **trouble)
            bridge.start_online(mqtt, timeout=60)
            live_until = time.monotonic() + chance.uniform(0, 3)
            while time.monotonic() < live_until:  # the moment of the kill is the point of the test
                time.sleep(0.005)
            bridge.kill()
        sim.no_faults()
        bridge.start_online(mqtt, timeout=60)
        there = all_arrive(sim, told.pending, 60)
        stats = sim.stats()
        assert stats["rejected"] == 0, sim.problems()
        print(f"{KILLS} kills, {len(told.pending)} points told, {len(there)} arrived, {stats['duplicates']} sent again alike")
        bridge.stop()
