"""The support of the integration tests itself works: broker, TLS, passwords, flip-sim, recording client, logs."""
import subprocess

import pytest
import yaml
from harness import Authority, Broker, FlipSim, Mqtt, Process, Tag, home_config, until
from harness.bridge import Dumper


def test_messages_are_recorded_and_waited_for(broker, mqtt):
    mqtt.subscribe("a/#")
    mqtt.publish("a/b", {"x": 1}, retain=True)
    assert mqtt.wait_for("a/+", lambda m: m.json()["x"] == 1).retain is False
    with Mqtt(broker, "a/b") as other:
        assert other.wait_for("a/b").retain is True
    since = mqtt.mark()
    with pytest.raises(AssertionError, match="no such message on a/b within 0.05 s"):
        mqtt.wait_for("a/b", timeout=0.05, since=since)


def test_response_topic_and_correlation(broker, mqtt):
    mqtt.subscribe("ask")
    mqtt.publish("ask", "?", response_topic="answer", correlation=b"7")
    assert mqtt.wait_for("ask").correlation == b"7"


def test_mqtt_311(broker):
    with Mqtt(broker, "t", version=3) as old:
        old.publish("t", "x")
        assert old.wait_for("t", "x").text == "x"


def test_passwords_and_access_control(tmp_path):
    with Broker(tmp_path, users={"ann": "secret"}, acl="user ann\ntopic readwrite a/#\n") as broker:
        with Mqtt(broker, "a/#", username="ann", password="secret") as ann:
            ann.publish("a/x", "1")
            ann.wait_for("a/x", "1")
        with pytest.raises(AssertionError, match="refused"):
            Mqtt(broker, username="ann", password="wrong")


def test_tls_with_client_certificate(tmp_path):
    authority = Authority(tmp_path)
    with Broker(tmp_path, tls=authority, client_certificates=True) as broker:
        assert broker.url.startswith("mqtts://")
        with Mqtt(broker, "t", certificate=authority.issue("client")) as client:
            client.publish("t", "x")
            client.wait_for("t", "x")


def test_an_expired_certificate_can_be_made(tmp_path):
    certificate, _ = Authority(tmp_path).issue("old", days=-1)
    checked = subprocess.run(["openssl", "x509", "-checkend", "0", "-noout", "-in", str(certificate)], check=False)
    assert checked.returncode == 1


def test_the_broker_keeps_its_port_over_a_restart(broker):
    port = broker.port
    broker.kill()
    broker.start()
    assert broker.port == port
    with Mqtt(broker):
        pass


def test_flip_sim_takes_points_and_breaks_on_demand(sim):
    point = {"device_id": "battery-1", "start_time": "2024-05-01T00:00:00Z", "duration_s": 300}
    body = {"telemetry": [point]}
    assert sim.call("POST", "/v1/telemetry/BATTERY", body)[0] == 401
    sim.fault(path="/v1/telemetry", status=503, count=1)
    statuses = [sim.call("POST", "/v1/telemetry/BATTERY", body, token=sim.token)[0] for _ in range(2)]
    assert statuses[0] == 503 and statuses[1] != 503
    assert sim.stats()["telemetry_requests"] >= 2
    sim.outage()
    with pytest.raises(OSError):
        sim.call("POST", "/v1/telemetry/BATTERY", body, token=sim.token)
    sim.outage(False)


def test_a_process_that_ends_is_told_with_its_log():
    with Process("shell", ["sh", "-c", "echo first; echo last words >&2; exit 3"]) as shell:
        assert shell.wait_log("first")
        with pytest.raises(AssertionError, match="ended with 3(.|\n)*last words"):
            shell.wait_log("never")


def test_until_says_what_it_waited_for():
    with pytest.raises(AssertionError, match="waited 0.05 s in vain for a miracle; last: 0"):
        until(lambda: 0, 0.05, "a miracle")


def test_what_a_sanitizer_found_fails_the_test():
    text = "ERROR: " + "AddressSanitizer: heap-use-after-free"
    shell = Process("shell", ["echo", text])
    shell.wait()
    with pytest.raises(AssertionError, match="a sanitizer found something"):
        shell.close()
    Process.live.remove(shell)


def test_configuration_with_tags(broker, tmp_path):
    class NoSim:
        url, token = "http://127.0.0.1:1", Tag("!env", "FLIP_TOKEN")

    text = yaml.dump(home_config(broker, NoSim, tmp_path, interval="5min"), Dumper=Dumper, sort_keys=False)
    assert "token: !env 'FLIP_TOKEN'" in text and "interval: 5min" in text


def test_flip_sim_starts_with_a_seed(tmp_path):
    with FlipSim(tmp_path, seed={"sites": [{"id": "home-1", "state_code": "CA"}]}) as sim:
        assert [s["id"] for s in sim.state()["sites"]] == ["home-1"]
