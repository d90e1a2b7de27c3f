"""`flip2mqtt doctor`: every mistake of the table is told in plain words with the next step, and nothing that is right is
blamed. One run for all of them."""
import json
import re
import socket
import threading

import pytest
from harness import Bridge, Broker, home_config


class Case:
    """sources, what the sender publishes ({topic: payload}), and what is told of which source (a regular expression;
    None = it is all right). DEVICE is what is told of the battery as a whole."""

    def __init__(self, name, sources, sent, told, retained=None, **telemetry):
        self.name, self.sent, self.told, self.retained = name, sent, told, retained or {}
        whole = {"battery_power": {"topic": f"{name}/power", "positive": "charging"}}
        self.config = {"id": name, "name": name, "capacity": "10 kWh", "max_charge": "5 kW", "max_discharge": "5 kW"}
        self.config["telemetry"] = {"sources": {**({} if "battery_charge_power" in sources else whole), **sources}}
        self.config["telemetry"]["sources"] = {k: v for k, v in self.config["telemetry"]["sources"].items() if v}
        self.config["telemetry"].update(telemetry)
        self.sent.setdefault(f"{name}/power", "500")


DEVICE = "the battery"
SOC = "state_of_charge"


def lwt(topic):
    return {"topic": topic, "online": "online", "offline": "offline"}


CASES = [
    Case("good", {SOC: "good/soc"}, {"good/soc": "50"}, {SOC: None, "battery_power": None, DEVICE: None}),
    Case("misspelt", {SOC: "solar_asistant/soc"}, {"solar_assistant/soc": "50"},
         {SOC: r"nothing came on solar_asistant/soc in 4 s; there is 'solar_assistant/soc': is that the one meant\?"}),
    Case("letters", {SOC: "Letters/SoC"}, {"letters/soc": "50"}, {SOC: r"there is 'letters/soc'.*capital and small letters"}),
    Case("silent", {SOC: "nobody/publishes/here/at/all"}, {}, {SOC: r"nothing came on .*mosquitto_sub -v -t '#'"}),
    Case("path", {SOC: {"topic": "lxp/all", "path": "/SOC"}}, {"lxp/all": '{"soc":50,"p":1}'},
         {SOC: r"nothing stands at path /SOC; the payload has /soc, /p"}),
    Case("deep", {SOC: {"topic": "deep/all", "path": "/bat/SOC"}}, {"deep/all": '{"bat":{"s/c":50}}'},
         {SOC: r"nothing stands at path /bat/SOC; the payload has /bat/s~1c"}),
    Case("object", {SOC: {"topic": "object/all", "path": "/bat"}}, {"object/all": '{"bat":{"soc":50}}'},
         {SOC: r"expected a number or a text, found an object; further in it has /bat/soc"}),
    Case("plain", {SOC: {"topic": "plain/soc", "path": "/soc"}}, {"plain/soc": "fifty"}, {SOC: r"not JSON.*leave `path` out"}),
    Case("no-path", {SOC: "nopath/all"}, {"nopath/all": '{"soc":50}'}, {SOC: r"is JSON: say with `path`.*it has /soc"}),
    Case("keyvalue", {SOC: {"topic": "kv/all", "path": "/SOC", "format": "keyvalue"}}, {"kv/all": "U=52,I=3"},
         {SOC: r"nothing stands at path /SOC: the payload has no such key"}),
    Case("kw-text", {"battery_power": {"topic": "kw/power", "positive": "charging"}, SOC: "kw/soc"},
         {"kw/power": "1.5 kW", "kw/soc": "50 percent"},
         {"battery_power": r"after the number stands 'kW'.*say `unit: \"kW\"`", SOC: r"stands 'percent'.*number alone$"}),
    Case("kilowatts", {SOC: "kwn/soc", "battery_power": {"topic": "kwn/power", "positive": "charging"}},
         {"kwn/power": "1.5", "kwn/soc": "50"}, {"battery_power": r"1.5 W is next to nothing.*`unit: kW`"}),
    Case("w", {SOC: "w/soc", "battery_power": {"topic": "w/p", "unit": "kW", "positive": "charging"}, "solar_power": {"topic": "w/pv", "unit": "kW"}},
         {"w/soc": "50", "w/p": "-2500", "w/pv": "4500"},
         {"battery_power": r"more than the battery can \(5000 W\)", "solar_power": r"more than a home has"}),
    Case("energy", {SOC: "en/soc", "battery_charge_energy": "en/in", "stored_energy": {"topic": "en/st", "unit": "kWh"}},
         {"en/soc": "50", "en/in": "356.8", "en/st": "5000"},
         {"battery_charge_energy": r"parts of a Wh.*`unit: kWh`", "stored_energy": r"more than the battery holds \(10000 Wh\)"}),
    Case("percent", {SOC: "pct/soc", "state_of_health": "pct/soh"}, {"pct/soc": "5034", "pct/soh": "-1"},
         {SOC: r"from 0 to 100, found 5034; .*`scale: 0.01`", "state_of_health": r"found -1"}),
    Case("ratio", {SOC: "ratio/soc"}, {"ratio/soc": "0.56"}, {SOC: r"counts from 0 to 1, say `unit: ratio`"}),
    Case("stale", {SOC: {"topic": "stale/soc", "max_age": "1s"}}, {}, {SOC: r"older than max_age \(1 s\).*`max_age`"}),
    Case("replayed", {SOC: "ret/soc"}, {}, {SOC: r"only a retained message came.*`retained: accept`"}, {"ret/soc": "50"}),
    Case("accepted", {SOC: {"topic": "acc/soc", "retained": "accept"}}, {}, {SOC: None}, {"acc/soc": "50"}),
    Case("no-zone", {SOC: {"topic": "ts/m", "path": "/v", "timestamp_path": "/t"}}, {"ts/m": '{"v":5,"t":"2026-01-01T00:00:00"}'},
         {SOC: r"timestamp /t: expected a time with zone"}),
    Case("none", {SOC: "none/soc"}, {"none/soc": "unavailable"}, {SOC: r"says 'unavailable'.*look at the integration"}),
    Case("mode", {SOC: "mode/soc", "mode": {"topic": "mode/m", "map": {"Load first": "SELF_CONSUMPTION"}}},
         {"mode/soc": "50", "mode/m": "Battery first"}, {"mode": r"'Battery first' is not in the `map`"}),
    Case("bool", {SOC: "bool/soc", "grid_online": "bool/grid"}, {"bool/soc": "50", "bool/grid": "Line 1"},
         {"grid_online": r"expected true or false.*found 'Line 1'; translate .* `map`"}),
    Case("sign", {SOC: "sign/soc", "battery_charge_power": "sign/in", "battery_discharge_power": "sign/out", "solar_power": "sign/pv"},
         {"sign/soc": "50", "sign/in": "-1500", "sign/out": "0", "sign/pv": "-2500"},
         {"battery_charge_power": r"0 W or more, found -1500.*battery_power with `positive`", "solar_power": r"`scale: -1`"}),
    Case("misfit", {SOC: "fit/soc", "grid_power": {"topic": "fit/grid", "positive": "export"}, "solar_power": "fit/pv"},
         {"fit/soc": "50", "fit/grid": "1000", "fit/pv": "200", "misfit/power": "0"},
         {DEVICE: r"solar 200 W \+ grid import -1000 W - battery charge 0 W = -800 W.*`positive`"}),
    Case("parts", {SOC: "parts/soc", "solar_power": {"sum": ["parts/a", {"topic": "parts/m", "path": "/pv2"}]}},
         {"parts/soc": "50", "parts/a": "100", "parts/m": '{"pv1":5}'}, {"solar_power": r"path /pv2; the payload has /pv1"}),
    Case("offline", {SOC: "off/soc"}, {"off/soc": "50", "off/lwt": "offline"}, {DEVICE: "counts as offline", "availability": None},
         availability=lwt("off/lwt")),
    Case("sideways", {SOC: "side/soc"}, {"side/soc": "50", "side/lwt": "on"}, {"availability": r"says 'on', which is neither"},
         availability=lwt("side/lwt")),
    Case("unmapped", {"battery_power": None}, {}, {DEVICE: "state_of_charge is not mapped.*\n.*no battery power is mapped"}),
]  # fmt: skip


class Sender(threading.Thread):
    """Publishes everything over and over; what is only to go stale, once."""

    def __init__(self, mqtt):
        super().__init__(daemon=True)
        self.mqtt, self.over = mqtt, threading.Event()

    def run(self):
        once = {"stale/soc": "50"}
        while not self.over.wait(0.2):
            for sent in [once, *(c.sent for c in CASES)]:
                for topic, payload in sent.items():
                    self.mqtt.client.publish(topic, payload)
            once = {}

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.over.set()
        self.join()


def config_of(broker, sim, folder):
    config = home_config(broker, sim, folder)
    config["sites"] = [{"id": "home", "devices": [c.config for c in CASES]}]
    return config


def told_of(device):
    """{source: (verdict, words)} of doctor --json."""
    told = {name: (s["verdict"], s["problem"]) for role in ("sources", "availability") for name, s in device[role].items()}
    problems = [p["problem"] for p in device["problems"]]
    told[DEVICE] = ("BAD" if problems else "ok", "\n".join(problems) or None)
    return told


def test_every_mistake_is_told_in_plain_words(tmp_path, broker, mqtt, sim):
    for case in CASES:
        for topic, payload in case.retained.items():
            mqtt.publish(topic, payload, retain=True)
    bridge = Bridge(tmp_path, config_of(broker, sim, tmp_path))
    assert bridge.check().returncode == 0, bridge.check().stderr
    shown = {}

    def run(form, *options):
        shown[form] = bridge.command("doctor", "--for", "4s", *options)

    with Sender(mqtt):
        runs = [threading.Thread(target=run, args=a) for a in (("text",), ("json", "--json"))]
        for r in runs:
            r.start()
        for r in runs:
            r.join()
    text, found = shown["text"].stdout, json.loads(shown["json"].stdout)
    assert shown["text"].returncode == shown["json"].returncode == 0, shown
    wrong = []
    for case, device in zip(CASES, found["devices"]):
        told = told_of(device)
        for source, words in case.told.items():
            verdict, said = told[source]
            if (words is None) != (said is None) or (words and not re.search(words, said)):
                wrong.append(f"{case.name}, {source}: {said!r}, not {words!r}")
            if (said is None) != (verdict == "ok"):
                wrong.append(f"{case.name}, {source}: {verdict} with {said!r}")
        for source, (verdict, said) in told.items():
            if said and source not in case.told:
                wrong.append(f"{case.name}, {source}: blamed for {said!r}")
    assert not wrong, "\n".join(wrong)
    # The same for people: every word, folded; and how much there is to do.
    plain = re.sub(r"\s+", " ", text)
    for device in found["devices"]:
        for said in (words for _, words in told_of(device).values() if words):
            for sentence in said.split("\n"):
                assert sentence in plain, (sentence, text)
    assert re.search(r"\n\d+ things to mend, \d+ to look at\.\n$", text), text[-200:]
    assert "Flip     " + sim.url in text and "the token is accepted" in text and "none is running" in text
    good = next(d for d in found["devices"] if d["id"] == "good")
    assert good["point"]["battery_last_power_charge_w"] == 500 and good["point"]["last_is_online"] is True
    assert good["sources"][SOC]["topics"][0]["raw"] == "50" and good["sources"][SOC]["value"] == 50
    assert re.search(r"battery_last_power_charge_w +500\n", text)
    assert sim.token not in text + shown["json"].stdout


def test_the_running_bridge_is_asked_and_commissioning_and_veto_are_shown(tmp_path, broker, mqtt, sim):
    config = home_config(broker, sim, tmp_path)
    config["sites"][0]["commission"] = True
    device = config["sites"][0]["devices"][0]
    device.update(serial_number={"topic": "battery/serial"}, product_name={"topic": "battery/model"})
    device.update(manufacturer_name="Maker", install_date="2024-01-31")
    device["control"] = {"veto": {"topic": "house/grid_lost", "retained": "accept"}}
    mqtt.publish("battery/model", "Model 1", retain=True)
    mqtt.publish("house/grid_lost", "on", retain=True)
    with Bridge(tmp_path, config) as bridge:
        bridge.start_online(mqtt)
        mqtt.subscribe("flip2mqtt/bridge/health")
        mqtt.wait_for("flip2mqtt/bridge/health", lambda m: "serial_number" in m.text, 20)
        text = re.sub(r"\s+", " ", bridge.command("doctor", "--for", "2s").stdout)
        bridge.stop()
    assert "Bridge online it says: " in text and "serial_number" in text
    assert re.search(r"BAD serial_number no value .*nothing came on battery/serial .*commissioning waits for it", text), text
    assert "ok product_name Model 1" in text
    assert "look veto true" in text and "Flip controls nothing until it is off" in text


def own_address():
    """An address of this machine that is not loopback; None where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))  # nothing is sent
        except OSError:
            return None
        address = s.getsockname()[0]
        return None if address.startswith("127.") else address


@pytest.mark.skipif(own_address() is None, reason="needs an address beside loopback")
def test_a_plain_connection_to_another_host_is_shown_as_unencrypted(tmp_path, sim):
    with socket.socket() as s:
        s.bind((own_address(), 0))
        port = s.getsockname()[1]
    with Broker(tmp_path, extra=[f"listener {port} {own_address()}"]) as broker:
        config = home_config(broker, sim, tmp_path, mqtt={"server": f"mqtt://{own_address()}:{port}"})
        told = Bridge(tmp_path, config).command("doctor", "--for", "1s").stdout
    assert "unencrypted: anybody on the network can read and command (mqtts:// helps)" in told
    assert re.search(r"nothing came on battery/soc in 1 s", re.sub(r"\s+", " ", told)), told


def test_a_broker_on_which_nobody_speaks_is_named(tmp_path, broker, sim):
    told = Bridge(tmp_path, home_config(broker, sim, tmp_path)).command("doctor", "--for", "3s").stdout
    plain = re.sub(r"\s+", " ", told)
    assert f"nor on any other topic: does the integration publish to this broker (127.0.0.1:{broker.port})" in plain, told
