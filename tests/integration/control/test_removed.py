"""What leaves the configuration leaves nothing retained behind, whether it is reloaded or started anew, and a battery
that leaves while Flip controls it goes back to its own mode first."""
import copy

from cases import Case, Home, simple
from harness import Mqtt, until

KINDS = ("state", "telemetry", "control", "pause")


def retained(home):
    """Topics below device/ and site/ that a newcomer gets."""
    with Mqtt(home.broker, "flip2mqtt/device/#", "flip2mqtt/site/#", "inv/end", username="test", password="t") as late:
        late.publish("inv/end", "x")
        late.wait_for("inv/end")
        return {m.topic.removeprefix("flip2mqtt/") for m in late.seen if m.retain and m.payload}


def full(name):
    source = {"topic": f"house/{name}/soc", "unit": "%"}
    return simple(name), {"interval": "1s", "sources": {"state_of_charge": source}}


def below(*devices):
    return {f"device/{d}/{k}" for d in devices for k in KINDS}


def nothing_of(home, *prefixes):
    until(lambda: not [t for t in retained(home) if t.startswith(prefixes)], 10, lambda: str(sorted(retained(home))), 0.2)


def test_removed_devices_and_sites_are_cleared(tmp_path):
    with Home(tmp_path, {"stays": full("a")}) as home:
        home.config["sites"] += [
            {"id": "site 2", "devices": [home.device("reloaded away", full("b"))]},
            {"id": "site-3", "devices": [home.device("gone/while+stopped", full("c"))]},
        ]
        home.sim.control("POST", "seed", {"sites": [{"id": s["id"]} for s in home.config["sites"]]})
        home.bridge.write(home.config)
        home.start()
        everything = below("stays", "reloaded%20away", "gone%2Fwhile%2Bstopped") | {f"site/{s}/info" for s in ("home-1", "site%202", "site-3")}

        def all_there():
            for name in "abc":
                home.mqtt.publish(f"house/{name}/soc", "50")
            return everything <= retained(home)

        until(all_there, 20, lambda: f"everything that is kept; there {sorted(retained(home))}", 0.3)
        battery = Case(home, "b")
        battery.command(device_id="reloaded away")
        battery.wait_writes("1000")

        smaller = copy.deepcopy(home.config)
        del smaller["sites"][1]
        home.bridge.write(smaller)
        home.bridge.reload()
        battery.wait_writes("1000", "0")
        nothing_of(home, "device/reloaded%20away/", "site/site%202/")
        assert below("gone%2Fwhile%2Bstopped") <= retained(home)

        home.bridge.stop()
        del smaller["sites"][1]
        home.bridge.write(smaller)
        home.start()
        nothing_of(home, "device/gone%2Fwhile%2Bstopped/", "site/site-3/")
        assert below("stays") | {"site/home-1/info"} <= retained(home)
        home.bridge.stop()
