"""`flip2mqtt learn` beside a real broker: three systems at once, what it writes, and the bridge that runs with it."""
import json
import re
import signal
import subprocess

import pytest
from harness import Bridge, Broker, Mqtt, Process, until
from harness.binaries import ROOT, binary
from harness.process import PATIENCE

SAMPLES = ROOT / "tests/fixtures/samples"
THREE = ("solarassistant-grid", "givtcp", "victron-battery-idle")
FILL_IN = {"FILL-IN-site-id": "home-1", **{f"FILL-IN-device-id-{n + 1}": name for n, name in enumerate(("giv", "solar", "gx"))}}


def lines(sample):
    for line in (SAMPLES / f"{sample}.jsonl").read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def replay(mqtt, *samples):
    for sample in samples:
        for message in lines(sample):
            mqtt.client.publish(message["topic"], message["payload"], qos=1)
    mqtt.publish("replay/done", "1")


class Learn(Process):
    """Started and listening; what it says on both outputs is in its log."""

    def __init__(self, *options, env=None):
        super().__init__("learn", [binary("flip2mqtt"), "learn", *options], env=env)

    def wait_listening(self):
        self.wait_log("^Listening to ")
        return self


@pytest.fixture
def clean_env(bridge):
    return bridge.env


def learn_three(tmp_path, broker, mqtt, env):
    """The file that comes of THREE, ended by an interrupt as soon as all three were told."""
    output = tmp_path / "learnt.yaml"
    with Learn("--server", broker.url, "--output", output, env=env).wait_listening() as learn:
        # Subscribed when it sees what is published: again and again until it does.
        def found():
            replay(mqtt, *THREE)
            return len(re.findall(r"^found ", learn.log(), re.M)) >= 3

        until(found, 20, lambda: learn.log(), every=0.2)
        learn.signal(signal.SIGINT)
        assert learn.wait() == 0, learn.log()
        return output, learn.log()


def test_three_systems_at_once(tmp_path, broker, mqtt, sim, clean_env):
    mqtt.subscribe("#")
    output, said = learn_three(tmp_path, broker, mqtt, clean_env)

    # It told them, published nothing, and keeps what it wrote to its owner.
    for name in ("found givtcp (serial SA0000G003)", "found solarassistant", "found victron (portal 7c3866000001)"):
        assert name in said
    topics = {line["topic"] for sample in THREE for line in lines(sample)} | {"replay/done"}
    assert {m.topic for m in mqtt.seen} <= topics
    assert output.stat().st_mode & 0o777 == 0o600

    # As it stands it is valid, and what nobody but the user knows is asked for.
    text = output.read_text(encoding="utf-8")
    checked = subprocess.run([binary("flip2mqtt"), "-c", output, "check"], capture_output=True, text=True, env=clean_env, check=False)
    assert checked.returncode == 0, checked
    asked = re.findall(r"learnt\.yaml:\d+:\d+: (\w+: \w+): still says FILL-IN", checked.stdout + checked.stderr)
    assert asked == ["warning: token"] + ["warning: id"] * 4, checked
    for learnt in ("serial: SA0000G003", "capacity: 16.38 kWh", "max_discharge: 2.6 kW", 'portal: "7c3866000001"', "mode: Eco"):
        assert learnt in text, text

    # With the ids put in the bridge runs, and each battery's telemetry is its own.
    for placeholder, value in FILL_IN.items():
        text = text.replace(placeholder, value)
    text = text.replace("environment: sandbox", f"base_url: {sim.url}\n  upload_delay: 1s").replace("FILL-IN-client-token", sim.token)
    text = text.replace("type: BATTERY", "type: BATTERY\n        telemetry: { interval: 1s }")
    with Bridge(tmp_path, text + f"storage: {{ path: {tmp_path}/learnt.db }}\n", env={}) as bridge:
        bridge.start_online(mqtt)
        expected = {
            "giv": {"state_of_charge": 52, "battery_power": -552, "solar_power": 19, "grid_power": 0, "home_power": 594},
            "solar": {"state_of_charge": 96, "battery_power": -11, "solar_power": 0, "grid_power": 308, "home_power": 247},
            "gx": {"state_of_charge": 100, "battery_power": 15},
        }
        keepalive = mqtt.wait_for("R/7c3866000001/keepalive", lambda m: m.payload == b"")
        assert not keepalive.retain
        replay(mqtt, *THREE)
        for device, values in expected.items():
            state = mqtt.wait_for(
                f"flip2mqtt/device/{device}/state", lambda m, v=values: all(m.json().get(k, {}).get("fresh") for k in v), 20
            ).json()
            assert {k: state[k]["value"] for k in values} == values

        def reported():
            points = {p["device_id"]: p for p in sim.points() if p["battery_last_state_of_charge_percentage"] is not None}
            return points if points.keys() >= expected.keys() else None

        points = until(reported, 20, lambda: sim.points()[-3:])
        assert [points[d]["battery_last_state_of_charge_percentage"] for d in ("giv", "solar", "gx")] == [52, 96, 100]
        assert points["giv"]["battery_last_power_discharge_w"] == 552 and points["gx"]["battery_last_power_charge_w"] == 15
        assert points["giv"]["home_last_power_w"] == 594 and points["solar"]["home_last_power_w"] == 247


def run(env, *options, timeout=20):
    return subprocess.run(
        [binary("flip2mqtt"), "learn", *map(str, options)],
        capture_output=True, text=True, env=env, timeout=timeout * PATIENCE, check=False, stdin=subprocess.DEVNULL,
    )


def test_nothing_recognised(broker, mqtt, clean_env):
    """Exit code 69, nothing on standard output; on the other one what came, and how to go on by hand."""
    mqtt.publish("zigbee2mqtt/lamp", '{"state":"ON"}', retain=True)
    mqtt.publish("deye/battery/power", "5", retain=True)
    done = run(clean_env, "--server", broker.url, "--for", "1s")
    assert (done.returncode, done.stdout) == (69, ""), done
    assert 'zigbee2mqtt/lamp = {"state":"ON"}' in done.stderr
    assert "Perhaps deye: there is deye/battery/power = 5, but not deye/battery/soc" in done.stderr
    assert "positive: charging" in done.stderr


def test_the_broker_comes_from_the_configuration_and_the_environment(tmp_path, broker, mqtt, bridge):
    for message in lines("solarassistant-grid"):
        mqtt.publish(message["topic"], message["payload"], retain=True)
    done = bridge.command("learn", "--for", "1s")
    assert done.returncode == 0 and "preset: solarassistant\n" in done.stdout, done
    assert f"server: {broker.url}\n" in done.stdout
    # The environment wins over the file, the option over both.
    bridge.env["FLIP2MQTT_MQTT_SERVER"] = "mqtt://127.0.0.1:1"
    refused = bridge.command("learn", "--for", "1s")
    assert refused.returncode == 69 and "127.0.0.1:1" in refused.stderr, refused
    assert bridge.command("learn", "--for", "1s", "--server", broker.url).returncode == 0
    # Without any configuration the environment alone is enough.
    env = {**bridge.env, "FLIP2MQTT_MQTT_SERVER": broker.url}
    assert run(env, "--for", "1s").returncode == 0


def test_an_unfinished_configuration_tells_the_broker(broker, mqtt, bridge):
    """Only `mqtt` has to be right."""
    bridge.write(f"flip: {{ token: !env NOT_SET, nonsense: 1 }}\nmqtt: {{ server: {broker.url} }}\nsites: [ {{ colour: red }} ]\n")
    mqtt.publish("solar_assistant/total/battery_power/state", "5", retain=True)
    mqtt.publish("solar_assistant/total/battery_state_of_charge/state", "5", retain=True)
    assert bridge.check().returncode == 78
    done = bridge.command("learn", "--for", "1s")
    assert done.returncode == 0 and "preset: solarassistant\n" in done.stdout, done
    bridge.write("mqtt: { server: ftp://x }\n")
    done = bridge.command("learn", "--for", "1s")
    assert done.returncode == 78 and re.search(r"configuration\.yaml:1:\d+: error: .*mqtt://", done.stderr), done


def test_a_preset_of_the_users_own(tmp_path, broker, mqtt, bridge):
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "mine.yaml").write_text(
        "description: mine\nparameters: { name: { description: a name, example: a } }\n"
        'recognise: [ { topic: "mine/${name}/soc", number: true } ]\n'
        'telemetry: { sources: { state_of_charge: "mine/${name}/soc" } }\n'
    )
    (tmp_path / "presets" / "bad.yaml").write_text("recognise: [ { topic: mine, colour: red } ]\n")
    mqtt.publish("mine/shed/soc", "50", retain=True)
    done = bridge.command("learn", "--for", "1s")
    assert done.returncode == 0 and "name: mine\n          name" in done.stdout.replace("  # ", "#"), done
    assert re.search(r"presets/bad\.yaml:1:\d+: error: unknown key 'colour' in recognise", done.stderr), done.stderr


def test_mistakes_of_the_command_line(tmp_path, broker, clean_env):
    there = tmp_path / "there.yaml"
    there.write_text("mine")
    done = run(clean_env, "--server", broker.url, "--for", "1s", "--output", there)
    assert done.returncode == 74 and "there already" in done.stderr, done
    assert there.read_text() == "mine"
    done = run(clean_env, "--server", "ftp://x", "--for", "1s")
    assert done.returncode == 64 and "--server: expected mqtt://" in done.stderr, done
    done = run(clean_env, "-c", tmp_path / "none.yaml", "--server", broker.url)
    assert done.returncode == 78, done


def test_credentials_are_used_and_never_written(tmp_path, clean_env):
    with Broker(tmp_path, users={"ann": "canary-password"}) as broker:
        with Mqtt(broker, username="ann", password="canary-password") as mqtt:
            for message in lines("solarassistant-grid"):
                mqtt.publish(message["topic"], message["payload"], retain=True)
        url = broker.url.replace("mqtt://", "mqtt://ann:canary-password@")
        done = run(clean_env, "--server", url, "--for", "1s")
        assert done.returncode == 0 and "username: ann\n" in done.stdout, done
        assert "canary" not in done.stdout + done.stderr
        refused = run(clean_env, "--server", url.replace("canary", "wrong"), "--for", "1s")
        assert refused.returncode == 69 and "wrong" not in refused.stderr, refused


def test_a_broker_that_restarts(broker, clean_env):
    """What was seen before counts, and it listens again."""
    def publish_until(learn, topics, found):
        def told():
            with Mqtt(broker) as mqtt:
                for topic in topics:
                    mqtt.publish(topic, "5")
            return learn.find(found)

        until(told, 20, lambda: learn.log(), every=0.3)

    with Learn("--server", broker.url, "--for", "60s", env=clean_env).wait_listening() as learn:
        total = "solar_assistant/total/battery_power/state", "solar_assistant/total/battery_state_of_charge/state"
        publish_until(learn, total, "found solarassistant")
        broker.restart()
        learn.wait_log("connection lost")
        publish_until(learn, ("deye/battery/power", "deye/battery/soc", "deye/ac/total_power"), "found deye")
        learn.signal(signal.SIGTERM)
        assert learn.wait() == 0
        assert "2 devices written" in learn.log()


def test_a_flood_of_junk_does_not_grow_it(broker, mqtt, clean_env):
    # Freed memory goes back, also under the address sanitizer: what is measured is what is kept.
    env = {**clean_env, "ASAN_OPTIONS": "quarantine_size_mb=1:thread_local_quarantine_size_kb=64"}
    with Learn("--server", broker.url, "--for", "60s", env=env).wait_listening() as learn:
        def told(first):
            mqtt.publish(f"deye{first}/battery/power", "5")
            mqtt.publish(f"deye{first}/battery/soc", "5")
            mqtt.publish(f"deye{first}/ac/total_power", "5")
            return learn.find(f"found deye .prefix deye{first}")

        def flood(first, count):
            for n in range(first, first + count):
                mqtt.client.publish(f"junk{n}/battery/power", "1" * 200, qos=0)
                mqtt.client.publish(f"lxp/{n}/inputs/1", '{"soc":1,"p_charge":2,"p_discharge":3}', qos=0)
            # Told, so everything before it has been through.
            until(lambda: told(first), 20, lambda: learn.log()[-500:], every=0.2)

        flood(1, 1500)
        before = learn.memory_kb()
        for n in range(1, 4):
            flood(10000 * n, 1500)
        grown = learn.memory_kb() - before
        learn.signal(signal.SIGINT)
        assert learn.wait() == 0
        assert grown < 24 * 1024, f"{grown} kB more"
        assert len(re.findall("^found lxp", learn.log(), re.M)) == 32 and "those are left out" in learn.log()
