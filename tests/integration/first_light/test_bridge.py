"""What the bridge tells about itself, and how it starts, stops, and keeps others out."""
import json
import re
import signal
import socket
import time

import pytest
from harness import Bridge, Broker, Mqtt, home_config, until
from harness.namespace import possible, run_without_names

FIELDS = {
    "start_time", "duration_s", "device_id", "last_is_online", "last_mode", "battery_last_power_charge_w",
    "battery_last_power_discharge_w", "battery_total_energy_charge_wh", "battery_total_energy_discharge_wh",
    "battery_last_stored_energy_wh", "battery_last_capacity_energy_wh", "battery_last_backup_reserve_percentage",
    "battery_last_state_of_charge_percentage", "battery_last_state_of_health_percentage", "last_is_grid_online",
    "home_total_energy_wh", "home_last_power_w", "solar_total_energy_wh", "solar_last_power_w", "oem_raw_data",
}  # fmt: skip


def test_what_it_publishes_about_itself(bridge, broker, mqtt, sim):
    mqtt.subscribe("flip2mqtt/#")
    bridge.start_online(mqtt)
    info = mqtt.wait_for("flip2mqtt/bridge/info").json()
    assert info["mqtt_version"] == "5" and info["base_url"] == sim.url
    assert info["sites"] == [{"id": "home-1", "devices": ["battery-1"]}]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", info["started_at"])
    since = mqtt.mark()
    mqtt.publish("battery/soc", "55")
    mqtt.publish("battery/power", "1200")
    told = mqtt.wait_for("flip2mqtt/device/battery-1/telemetry", lambda m: m.json()["upload"]["state"] == "sent").json()
    assert set(told) == {"point", "upload"} and set(told["point"]) == FIELDS
    assert told["upload"] == {"state": "sent", "message": None}
    state = mqtt.wait_for("flip2mqtt/device/battery-1/state", lambda m: m.json()["online"] is True, since=since).json()
    assert set(state["battery_power"]) == {"value", "unit", "age_s", "fresh"}
    assert state["battery_power"]["value"] == 1200 and state["battery_power"]["unit"] == "W"
    health = mqtt.wait_for("flip2mqtt/bridge/health", lambda m: m.json()["counters"]["points"] > 0).json()
    assert {"pending", "rejected", "oldest_start_time", "bytes"} <= set(health["outbox"])
    assert {"messages", "points", "uploads", "retries", "dropped", "invalid"} <= set(health["counters"])
    assert {"last_error", "clock"} <= set(health)
    mqtt.wait_for("flip2mqtt/cloud/state", "online")
    bridge.stop()
    with Mqtt(broker, "flip2mqtt/#") as later:
        kept = {"bridge/state", "bridge/info", "bridge/health", "cloud/state", "device/battery-1/state",
                "device/battery-1/telemetry", "device/battery-1/control", "device/battery-1/pause"}  # fmt: skip
        for topic in kept:
            assert later.wait_for(f"flip2mqtt/{topic}").retain
        assert later.last("flip2mqtt/bridge/state").text == "offline"
    for message in mqtt.messages("#"):
        assert sim.token.encode() not in message.payload
    assert sim.token not in bridge.log()


def test_online_is_said_after_every_subscription_is_answered(bridge, broker, mqtt):
    bridge.start_online(mqtt)
    name = bridge.wait_log(r"client_id=(\S+)").group(1)
    broker.wait_log(rf"Received PUBLISH from {name} .*bridge/state")
    lines = broker.process.lines
    online = next(i for i, x in enumerate(lines) if re.search(rf"Received PUBLISH from {name} .*bridge/state", x))
    asked = sum(f"Received SUBSCRIBE from {name}" in line for line in lines)
    answered = sum(f"Sending SUBACK to {name}" in line for line in lines[:online])
    assert asked == answered > 0


def test_the_client_id_is_kept(bridge, mqtt):
    names = []
    for _ in range(2):
        bridge.start_online(mqtt)
        names.append(bridge.wait_log(r"client_id=(\S+)").group(1))
        bridge.stop()
    assert names[0] == names[1] and re.fullmatch(r"flip2mqtt-[0-9a-f]{8}", names[0])


def test_one_database_has_one_owner(bridge, mqtt):
    bridge.start_online(mqtt)
    second = bridge.command("run")
    assert second.returncode == 75, second
    assert "database" in second.stderr or "flip2mqtt.db" in second.stderr
    assert bridge.running()
    bridge.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_clean_stop(bridge, mqtt, number):
    bridge.start_online(mqtt)
    since = mqtt.mark()
    bridge.process.signal(number)
    assert bridge.process.wait(5) == 0
    mqtt.wait_for("flip2mqtt/bridge/state", "offline", since=since)


def test_a_stop_waits_neither_for_a_dead_broker_nor_for_a_dead_cloud(bridge, broker, mqtt, sim):
    bridge.start_online(mqtt)
    sim.fault(stall=True)
    requests = sim.stats()["requests"]
    mqtt.publish("battery/soc", "55")
    until(lambda: sim.stats()["requests"] > requests, 15, "an upload that hangs")
    broker.pause()
    bridge.stop()  # within 5 s


def test_an_unwritable_database_is_74(bridge):
    config = bridge.file.read_text().replace(str(bridge.folder / "flip2mqtt.db"), "/proc/nowhere/f.db")
    bridge.write(config)
    done = bridge.command("run")
    assert done.returncode == 74, done
    assert "/proc/nowhere" in done.stderr


def test_an_absent_broker_is_69_for_tools_that_need_it(bridge, broker):
    broker.stop()
    for words in (["doctor", "--for", "1s"], ["check", "--online"]):
        done = bridge.command(*words)
        assert done.returncode == 69, done
        assert str(broker.port) in done.stdout + done.stderr


def test_check_online_tries_broker_token_and_topics(bridge, mqtt, sim):
    mqtt.publish("battery/soc", "55", retain=True)
    mqtt.publish("battery/power", "500", retain=True)
    done = bridge.check("--online")
    assert done.returncode == 0, done
    sim.control("POST", "token", {"client": "revoke"})
    done = bridge.check("--online")
    assert done.returncode != 0 and "token" in done.stdout + done.stderr, done
    assert sim.token not in done.stdout + done.stderr


def test_a_new_token_is_used_from_the_reload_on(bridge, mqtt, sim):
    config = home_config_of(bridge)
    bridge.start_online(mqtt)
    config["flip"]["token"] = "wrong-token"
    bridge.write(config)
    bridge.reload()
    mqtt.subscribe("flip2mqtt/cloud/state")
    mqtt.wait_for("flip2mqtt/cloud/state", "offline", 30)
    config["flip"]["token"] = sim.token
    bridge.write(config)
    since = mqtt.mark()
    bridge.reload()
    mqtt.wait_for("flip2mqtt/cloud/state", "online", 30, since)
    bridge.stop()
    assert "wrong-token" not in bridge.log()


def home_config_of(bridge):
    import yaml

    return yaml.safe_load(bridge.file.read_text())


def test_a_device_that_leaves_the_configuration_leaves_nothing_behind(bridge, broker, mqtt):
    bridge.start_online(mqtt)
    with Mqtt(broker, "flip2mqtt/device/#") as now:
        now.wait_for("flip2mqtt/device/battery-1/state")
    config = home_config_of(bridge)
    config["sites"][0]["devices"][0]["id"] = "battery 2/ü"
    bridge.write(config)
    mqtt.subscribe("flip2mqtt/device/#")
    since = mqtt.mark()
    bridge.reload()
    mqtt.wait_for("flip2mqtt/device/battery%202%2F%C3%BC/state", since=since)
    for topic in ("state", "control", "pause"):
        mqtt.wait_for(f"flip2mqtt/device/battery-1/{topic}", lambda m: m.payload == b"", since=since)
    bridge.stop()
    with Mqtt(broker, "flip2mqtt/#") as later:
        later.wait_for("flip2mqtt/device/battery%202%2F%C3%BC/state")
        assert later.messages("flip2mqtt/device/battery-1/#") == []


def test_a_half_open_broker_is_noticed_by_the_keepalive(tmp_path, broker, sim, mqtt):
    config = home_config(broker, sim, tmp_path)
    config["mqtt"]["keepalive"] = "5s"
    with Bridge(tmp_path, config) as bridge:
        bridge.start_online(mqtt)
        mqtt.publish("battery/soc", "55")
        until(lambda: sim.points(), 15, "a point")
        broker.pause()
        lines = len(bridge.process.lines)
        paused = time.monotonic()
        bridge.wait_log("(?i)connection to the broker|disconnected|lost|no answer", 20, since=lines)
        assert time.monotonic() - paused < 15, "keepalive 5 s: noticed within two of them, and some slack"
        before = len(sim.points())
        until(lambda: len(sim.points()) > before + 1, 15, "uploads that go on meanwhile")
        since = mqtt.mark()
        broker.resume()
        bridge.wait_online(mqtt, since, 45)
        bridge.stop()


@pytest.mark.skipif(not possible(), reason="needs root for a network namespace")
def test_names_that_are_never_resolved_stop_nothing(tmp_path):
    class Nowhere:
        url, token = "https://api.invalid", "t"

    def life():
        with Broker(tmp_path) as broker, Mqtt(broker, "flip2mqtt/#") as mqtt:
            with Bridge(tmp_path, home_config(broker, Nowhere, tmp_path)) as bridge:
                bridge.start_online(mqtt)
                for n in range(3):
                    since = mqtt.mark()
                    mqtt.publish("battery/soc", str(50 + n))
                    mqtt.wait_for("flip2mqtt/device/battery-1/telemetry", since=since, timeout=5)
                bridge.stop()  # within 5 s, look-up under way or not
            config = home_config(broker, Nowhere, tmp_path)
            config["mqtt"]["server"] = "mqtt://broker.invalid"
            with Bridge(tmp_path, config) as bridge:
                bridge.start()
                bridge.wait_log("started")
                bridge.write("nonsense")
                bridge.reload()
                bridge.wait_log("error", 5)  # the main thread is not the one that waits
                bridge.stop()

    run_without_names(tmp_path, life)


def test_it_tells_systemd_when_it_is_ready(tmp_path, bridge, mqtt):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(path))
        notify.settimeout(15)
        bridge.env.update(NOTIFY_SOCKET=str(path), WATCHDOG_USEC="2000000")
        bridge.start()
        said = b""
        while b"READY=1" not in said:
            said = notify.recv(4096)
        while b"WATCHDOG=1" not in said:
            said = notify.recv(4096)
        bridge.process.signal(signal.SIGTERM)
        while b"STOPPING=1" not in said:
            said = notify.recv(4096)
    assert bridge.process.wait(5) == 0


def test_log_lines_for_machines(bridge, mqtt):
    bridge.start_online(mqtt, "--log-format", "json")
    bridge.stop()
    lines = [json.loads(line) for line in bridge.log().splitlines()]
    assert lines and all({"level", "component", "msg"} <= set(line) for line in lines)


def test_no_time_stamps_under_the_journal(bridge, mqtt):
    bridge.env["JOURNAL_STREAM"] = "8:12345"
    bridge.start_online(mqtt)
    bridge.stop()
    assert all(re.match(r"(error|warn|info|debug) [a-z]+ \S+=", line) for line in bridge.log().splitlines()), bridge.log()
