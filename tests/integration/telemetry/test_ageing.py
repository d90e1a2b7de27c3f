"""Values age out by max_age while the broker is away, and uploads go on (Interface, clarification 9)."""
from harness import Bridge, Mqtt, home_config, until

SOC = "battery_last_state_of_charge_percentage"


def test_values_age_while_the_broker_is_away(tmp_path, broker, mqtt, sim):
    config = home_config(broker, sim, tmp_path)
    telemetry = config["sites"][0]["devices"][0]["telemetry"]
    telemetry["max_age"] = "3s"
    telemetry["sources"] = {"state_of_charge": "battery/soc", "backup_reserve": {"const": 10}}

    def wait(what, holds):
        return until(lambda: next((p for p in sim.points("battery-1") if holds(p)), None), 20, what)

    with Bridge(tmp_path, config) as bridge:
        bridge.start_online(mqtt)
        wait("a point of which nothing is known", lambda p: p["last_is_online"] is None)
        mqtt.publish("battery/soc", "55")
        wait("a point that is online", lambda p: p["last_is_online"] and p[SOC] == 55)
        broker.kill()
        offline = wait("an offline point while the broker is away", lambda p: p["last_is_online"] is False)
        assert all(v is None for k, v in offline.items() if k.startswith(("battery_", "home_", "solar_", "last_m")))
        broker.start()
        with Mqtt(broker, "flip2mqtt/bridge/state") as again:
            again.wait_for("flip2mqtt/bridge/state", "online", 20)
            again.publish("battery/soc", "56")
            wait("a point that is online again", lambda p: p["last_is_online"] and p[SOC] == 56)
        bridge.stop()
    told = [p["last_is_online"] for p in sim.points("battery-1")]
    changes = [a for a, b in zip(told, [*told[1:], "end"]) if a is not b]
    assert changes == [None, True, False, True], told
