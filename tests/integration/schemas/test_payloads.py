"""Whatever the bridge publishes in a full life fits the schema of its topic, which stands in the AsyncAPI document with its
flags; each good example of a request is served and each bad one refused."""
import base64

import pytest
from harness import Bridge, FlipSim, free_port, home_config, until
from recorder import BASE, CHANNELS, Recorder, quote
from schemas import bad, good, parse, reason, topics

SITE, DEVICE, COUNTER, LEAVING = "abc-789", "xyz-123", "counter-1", "battery 2/ü"
EVENT, COMMAND = "a7a26ff2-e851-45b6-9634-d595f45458b7", "497f6eca-6276-4993-bfeb-53cbbbba6f08"
PROGRAM, ENROLLMENT = "70c1146b-e933-4cb2-a789-bbca5312b517", "0b9b1f5e-52f3-4f7d-9f0c-2a4b6a1b7c11"
SECRET = "whsec_" + base64.b64encode(b"a secret of the tests alone").decode()
# Topics with a schema that this life never sees.
NEVER = set()
# Requests that take away what others need.
LAST = ("enrollment/delete", "outbox/drop", "device/delete")
# What the examples ask for that Flip must refuse here: everything is known already.
REFUSED = {"commission": 409}
FIELDS = {"manufacturer_name": "DeviceMaker", "product_name": "Model 1", "serial_number": "1", "install_date": "2022-02-22"}


def seed():
    device = {"id": DEVICE, "site_id": SITE, "type": "BATTERY", "attributes": {}, **FIELDS}
    device["attributes"] = {"battery_capacity_wh": 13500, "battery_power_input_w": 5000, "battery_power_output_w": 5000}
    form = [{"name": "account_id", "label": "Utility Account Number", "type": "string"}]
    terms = {"terms_and_conditions_text": "# Terms", "terms_and_conditions_version": "2025-01-01"}
    return {
        "sites": [{"id": SITE, "zip_code": "88800", "state_code": "CA"}],
        "devices": [device],
        "programs": [{"id": PROGRAM, "name": "With terms", "enrollment_form": form, **terms}, {"name": "Auto", "can_auto_enroll": True}],
        "events": [{"id": EVENT, "site_id": SITE, "starts_in_s": 3600, "mode": "CHARGE", "commands": False}],
        "commands": [{"id": COMMAND, "event_id": EVENT, "device_id": DEVICE, "mode": "CHARGE", "starts_in_s": 3600}],
    }


def battery(device_id, **more):
    topic = quote(device_id)
    sources = {
        "state_of_charge": {"topic": f"{topic}/soc", "unit": "%"},
        "battery_power": {"topic": f"{topic}/power", "unit": "W", "positive": "charging"},
        "grid_import_energy": {"topic": f"{topic}/import", "unit": "Wh"},
        "grid_online": {"topic": f"{topic}/grid"},
        "mode": {"topic": f"{topic}/mode"},
    }
    device = {"id": device_id, **FIELDS, "capacity": "13.5 kWh", "max_charge": "5 kW", "max_discharge": "5 kW"}
    return {**device, "telemetry": {"interval": "2s", "sources": sources}, **more}


def home(broker, sim, folder, port):
    config = home_config(broker, sim, folder, requests={"allow": "all"})
    config["flip"]["poll"] = {"commands": "1s", "events": "1s", "enrollments": "1s", "programs": "1s", "site": "1s"}
    config["http"] = {"listen": f"127.0.0.1:{port}", "webhook": {"path": "/webhook/flip", "secret": SECRET}}
    modes = {"DISCHARGE": [{"topic": "inverter/set", "payload": "{{ setpoint_w }}"}]}
    first = battery(DEVICE, control={"modes": modes, "restore": [{"topic": "inverter/set", "payload": "0"}]})
    second = battery(COUNTER, control={"acknowledge": "integration"})
    second["telemetry"]["endpoint"] = "counter"
    config["sites"] = [{"id": SITE, "zip_code": "88800", "commission": True, "can_auto_enroll": True,
                        "devices": [first, second, battery(LEAVING)]}]  # fmt: skip
    return config


class Life:
    def __init__(self, broker, sim, bridge, mqtt, config):
        self.broker, self.sim, self.bridge, self.mqtt, self.config = broker, sim, bridge, mqtt, config

    def wait(self, topic, predicate=None, since=0, timeout=15):
        return self.mqtt.wait_for(BASE + topic, predicate, timeout, since)

    def device(self, leaf, device_id=DEVICE):
        return f"device/{quote(device_id)}/{leaf}"

    def publish(self, soc):
        for name in (DEVICE, COUNTER, LEAVING):
            at = quote(name)
            for leaf, payload in (("soc", soc), ("power", -1200), ("import", 5000 + soc), ("grid", "on"), ("mode", "SAVINGS")):
                self.mqtt.publish(f"{at}/{leaf}", str(payload))

    def telemetry(self):
        """Interval and counter points, one rejected by Flip."""
        self.sim.fault(item={"device_id": DEVICE}, failed="no such luck")
        self.publish(60)
        self.wait(self.device("telemetry"), lambda m: m.json()["upload"]["state"] == "rejected")
        self.sim.no_faults()
        self.publish(61)
        for name in (DEVICE, COUNTER, LEAVING):
            self.wait(self.device("telemetry", name), lambda m: m.json()["upload"]["state"] == "sent")
            self.wait(self.device("state", name), lambda m: m.json()["online"] is True)

    def news(self):
        """Webhooks of every kind, also one that nobody knows."""
        self.sim.control("POST", "settings", {"id": "s-1", "site_id": SITE, "reserve": 30})
        self.sim.control("POST", "webhook/send", {"event_type": "tariff.updated", "event_object": {"id": "t", "site_id": SITE}})
        for kind in ("settings.apply", "tariff.updated", "enrollment.created"):
            self.notified(kind)

    def notified(self, kind, since=0):
        return self.wait(f"site/{SITE}/notification", lambda m: m.json()["event_type"] == kind, since)

    def phase(self, phase, command_id, device_id=DEVICE):
        found = lambda m: m.json()["phase"] == phase and m.json()["command_id"] == command_id  # noqa: E731
        return self.wait(self.device("command", device_id), found)

    def event(self):
        """An event begins, its commands hold the batteries, the home leaves it."""
        body = {"id": "e1", "site_id": SITE, "device_ids": [DEVICE], "starts_in_s": 1, "duration_s": 600}
        orders = {"mode": "DISCHARGE", "power_mode": "SETPOINT", "setpoint_w": 9000, "backup_reserve_percentage": 10}
        self.sim.control("POST", "event", {**body, **orders})
        control = self.wait(self.device("control"), lambda m: m.json()["owner"] == "flip").json()
        assert control["setpoint_w"] == 5000
        self.phase("started", control["command_id"])
        self.wait(f"site/{SITE}/event", lambda m: m.json()["phase"] == "active")
        self.wait(f"site/{SITE}/participation", "ON")
        self.mqtt.publish(f"{BASE}site/{SITE}/participation/set", "OFF")
        self.wait(f"site/{SITE}/participation", "OFF")
        self.phase("opted_out", control["command_id"])
        self.mqtt.publish(f"{BASE}site/{SITE}/event/nothing/participation/set", "ON")
        self.notified("participation.error")

    def owner(self):
        """Pause, a command that is replaced, ends and is canceled, one that cannot be done, one that an integration answers."""
        command = {"device_id": DEVICE, "mode": "DISCHARGE", "power_mode": "SETPOINT", "setpoint_w": 1000}
        self.sim.control("POST", "command", {**command, "id": "c1", "duration_s": 300})
        self.phase("started", "c1")
        self.sim.control("POST", "command", {**command, "id": "c2", "setpoint_w": 2000, "duration_s": 3})
        self.phase("replaced", "c1")
        self.phase("ended", "c2")
        self.mqtt.publish(BASE + self.device("pause/set"), "ON")
        self.wait(self.device("pause"), "ON")
        self.phase("failed", "c1")
        self.mqtt.publish(BASE + self.device("pause/set"), "off")
        self.sim.control("POST", "command", {"id": "c3", "device_id": DEVICE, "mode": "DANCE"})
        self.phase("rejected", "c3")
        self.sim.control("POST", "command", {"id": "c4", "device_id": COUNTER, "mode": "STANDBY", "duration_s": 300})
        self.phase("received", "c4", COUNTER)
        self.mqtt.publish(BASE + self.device("command/ack", COUNTER), {"id": "c4", "device_status": "OK", "reason": "will do"})
        until(lambda: any(a["device_status_reason"] == "will do" for a in self.sim.control("GET", "acknowledgements")), 15, "the answer")
        self.phase("started", "c4", COUNTER)
        self.sim.control("PATCH", "command/c4", {"status": "CANCELED"})
        self.phase("canceled", "c4", COUNTER)

    def serve(self, operation):
        """Each good example once on the interface's own response topic."""
        enrollment = self.sim.state()["enrollments"][0]["id"]
        for example in good(f"bridge/request/{operation}"):
            answers, since = f"bridge/response/{operation}", self.mqtt.mark()
            payload = example.payload.replace(ENROLLMENT.encode(), enrollment.encode())
            self.mqtt.publish(f"{BASE}bridge/request/{operation}", payload)
            answer = self.wait(answers, since=since).json()
            expected = REFUSED.get(operation)
            known = b"a/b" not in payload
            assert answer["status"] == ("error" if expected or not known else "ok"), f"{example.name}: {answer}"
            assert expected in (None, answer["http_status"]), answer
            assert answer["transaction"] == parse(example.place, payload).get("transaction"), answer

    def refuse(self, examples):
        """Bad ones, all at once, answered on a topic of our own with their correlation data."""
        self.mqtt.subscribe("answers/here")
        for example in examples:
            self.mqtt.send(BASE + example.place, example.payload, "answers/here", example.name.encode())
        answers = self.mqtt.answers("answers/here", len(examples))
        for example in examples:
            answer, by = answers[example.name.encode()], reason(example).get("by")
            if by == "flip, point by point":
                assert answer["status"] == "ok" and answer["data"][0]["status"] == "FAILED", f"{example.name}: {answer}"
                continue
            assert answer["status"] == "error" and answer["error"], f"{example.name}: {answer}"
            assert answer["http_status"] == (422 if by else None), f"{example.name}: {answer}"

    def requests(self):
        places = [p for p in topics() if p.startswith("bridge/request/")]
        self.refuse([e for place in places for e in bad(place)])
        operations = [p[len("bridge/request/") :] for p in places]
        for operation in sorted(operations, key=lambda o: LAST.index(o) + 1 if o in LAST else 0):
            self.serve(operation)

    def outage(self):
        since = self.mqtt.mark()
        self.sim.outage()
        self.wait("cloud/state", "offline", since)
        self.wait("bridge/health", lambda m: m.json()["status"] == "degraded" and m.json()["last_error"], since)
        since = self.mqtt.mark()
        self.sim.outage(False)
        self.wait("cloud/state", "online", since)

    def reload(self):
        """A file that is refused, and a device that leaves."""
        self.bridge.write("version: 1\nnonsense: true\n")
        self.bridge.reload()
        self.bridge.wait_log("nonsense")
        self.config["sites"][0]["devices"].pop()
        self.bridge.write(self.config)
        since = self.mqtt.mark()
        self.bridge.reload()
        for leaf in ("state", "telemetry", "control", "pause"):
            self.wait(self.device(leaf, LEAVING), "", since)


@pytest.fixture
def sim(tmp_path):
    with FlipSim(tmp_path, "--enrollment-delay", 1, seed=seed()) as sim:
        yield sim


def listens_to_what_is_described(broker, bridge):
    """The bridge's subscriptions below the base topic are the topics that the document says it receives."""
    name = bridge.wait_log(r"client_id=(\S+)").group(1)
    asked = {line.split()[-1] for line in broker.process.lines if f"{name} 1 {BASE}" in line}
    described = {c.filter for c in CHANNELS if c.action == "receive" and "/bridge/" not in c.address}
    assert asked == described | {f"{BASE}bridge/request/#"}


def test_a_whole_life_fits_the_schemas(tmp_path, broker, sim):
    port = free_port()
    config = home(broker, sim, tmp_path, port)
    sim.control("POST", "webhook", {"url": f"http://127.0.0.1:{port}/webhook/flip", "secret": SECRET})
    with Recorder(broker) as mqtt, Bridge(tmp_path, config) as bridge:
        bridge.start()
        life = Life(broker, sim, bridge, mqtt, config)
        mqtt.subscribe("inverter/set")
        life.wait("bridge/state", "online")
        for step in (life.telemetry, life.news, life.event, life.owner, life.requests, life.outage, life.reload):
            step()
        listens_to_what_is_described(broker, bridge)
        bridge.stop()
        life.wait("bridge/state", "offline")
        seen = mqtt.check()
    assert set(topics()) - seen == NEVER
