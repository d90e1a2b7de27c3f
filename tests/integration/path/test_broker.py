"""The broker may be away, come back, speak TLS, ask for passwords and certificates, or refuse a topic."""
import pytest
import yaml
from harness import Authority, Bridge, Broker, Mqtt, home_config, until

STATE = "flip2mqtt/bridge/state"


def arrives(mqtt, sim):
    before = len(sim.points("battery-1"))

    def one_more():
        mqtt.publish("battery/soc", "55")
        return len(sim.points("battery-1")) > before

    until(one_more, 30, "a point in the cloud", every=0.3)


def test_the_bridge_starts_before_the_broker_and_outlives_it(bridge, broker, sim):
    broker.stop()
    bridge.start()
    bridge.wait_log("not connected|refused|cannot connect|connection")
    broker.start()
    with Mqtt(broker, STATE) as mqtt:
        mqtt.wait_for(STATE, "online", 20)
        arrives(mqtt, sim)
    broker.kill()
    broker.start()
    with Mqtt(broker, STATE) as mqtt:
        mqtt.wait_for(STATE, "online", 20)
        arrives(mqtt, sim)
    bridge.stop()


def test_what_a_killed_bridge_leaves_is_offline(bridge, broker, mqtt):
    bridge.start_online(mqtt)
    since = mqtt.mark()
    bridge.kill()
    mqtt.wait_for(STATE, "offline", 10, since)
    with Mqtt(broker, STATE) as later:
        assert later.wait_for(STATE, "offline").retain


@pytest.mark.parametrize("version", [5, "3.1.1"])
def test_tls_with_password_and_client_certificate(tmp_path, sim, version):
    authority = Authority(tmp_path)
    certificate, key = authority.issue("bridge")
    with Broker(tmp_path, users={"bridge": "p w", "test": "t"}, tls=authority, client_certificates=True) as broker:
        config = home_config(broker, sim, tmp_path)
        config["mqtt"].update(username="bridge", password="p w", cert=str(certificate), key=str(key), version=version)
        with Mqtt(broker, STATE, username="test", password="t", certificate=authority.issue("test")) as mqtt:
            with Bridge(tmp_path, config) as bridge:
                bridge.start_online(mqtt)
                arrives(mqtt, sim)
                bridge.stop()
                assert "p w" not in bridge.log()


def test_a_wrong_certificate_is_refused_and_told(tmp_path, sim):
    with Broker(tmp_path, tls=Authority(tmp_path, "right CA")) as broker:
        config = home_config(broker, sim, tmp_path)
        config["mqtt"]["ca"] = str(Authority(tmp_path, "wrong CA").certificate)
        with Bridge(tmp_path, config) as bridge:
            bridge.start()
            bridge.wait_log("(?i)certificate|tls")
            bridge.stop()


def test_a_refused_password_is_told_without_it(tmp_path, sim):
    with Broker(tmp_path, users={"bridge": "right"}) as broker:
        config = home_config(broker, sim, tmp_path)
        config["mqtt"].update(username="bridge", password="canary-wrong")
        with Bridge(tmp_path, config) as bridge:
            bridge.start()
            bridge.wait_log("(?i)not authori[sz]ed|refused|password")
            bridge.stop()
            assert "canary" not in bridge.log()


def test_a_new_configuration_is_swapped_in_and_a_bad_one_is_not(bridge, mqtt, sim):
    bridge.start_online(mqtt)
    arrives(mqtt, sim)
    good = yaml.safe_load(bridge.file.read_text())
    bridge.write(bridge.file.read_text().replace("version: 1", "version: 1\nspelling: mistake"))
    bridge.reload()
    bridge.wait_log("spelling")
    arrives(mqtt, sim)
    good["sites"][0]["devices"][0]["telemetry"]["sources"]["state_of_charge"]["topic"] = "battery/soc-2"
    bridge.write(good)
    lines = len(bridge.process.lines)
    bridge.reload()
    bridge.wait_log("(?i)reload|configuration", since=lines)
    mqtt.publish("battery/soc-2", "42")
    until(lambda: any(p["battery_last_state_of_charge_percentage"] == 42 for p in sim.points("battery-1")), 30)
    bridge.stop()
