"""The machine's clock: not set at the start, or set to something absurd."""
import time

from harness import Shim
from harness.fleet import all_arrive
from scene import Scene

DAY = 86400


def unset(ground):
    """1970 until the time is known: nothing closes and nothing is uploaded, not even what waited before."""
    shim = Shim(ground.folder_of("shim-unset"))
    with Scene("clock-unset", ground, env=shim.env) as scene:
        scene.sim.outage()
        scene.more(4)
        scene.bridge.stop()
        scene.told.read()
        before = dict(scene.told.pending)
        shim.clock(-time.time())
        scene.sim.outage(False)
        since = scene.mqtt.mark()
        scene.bridge.start_online(scene.mqtt, timeout=60)
        scene.health(lambda h: h["clock"]["state"] == "unset" and h["status"] != "ok", "an unset clock")
        uploads = scene.sim.stats()["telemetry_requests"]
        state = "clock-unset/device/battery-0/state"
        scene.mqtt.wait_for(state, lambda m: m.json()["state_of_charge"]["fresh"], 30, since)
        assert scene.told.pending.keys() == before.keys(), "an interval was closed in 1970"
        assert scene.sim.stats()["telemetry_requests"] == uploads, "uploaded in 1970"
        shim.clock(0)
        scene.more(2)
        assert min(start for _, start in scene.told.pending) >= min(start for _, start in before)
        scene.ends_well()


def ahead(ground):
    """Forty days ahead, with points waiting that are kept for thirty: a wrong clock makes no point too old, and as soon
    as Flip answers, health names it."""
    shim = Shim(ground.folder_of("shim-ahead"))
    with Scene("clock-ahead", ground, env=shim.env) as scene:
        scene.sim.outage()
        scene.more(6)
        shim.clock(40 * DAY)
        scene.bridge.wait_log("the clock was set", 30)
        scene.bridge.reload()  # retention is looked at anew
        scene.bridge.wait_log("reloaded|configuration", 30)
        scene.more(2)
        scene.bridge.kill()
        scene.start()  # and at a start
        scene.sim.outage(False)
        all_arrive(scene.sim, scene.told.pending, 60)
        scene.health(lambda h: any("clock" in p for p in h["problems"]), "a clock that is ahead")
        scene.ends_well(problems=True)


SCENES = {"clock-unset": unset, "clock-ahead": ahead}
