#!/usr/bin/env python3
"""A life with Flip, from commissioning to the last enrollment, through Prism as a validating proxy.

mosquitto, flip-sim, Prism and the bridge run as processes. Every endpoint of openapi.yaml must be called with its kind of
token and must succeed at least once, and Prism must find nothing wrong, neither in what the bridge sends nor in what
flip-sim answers. At the end a broken request and a broken answer are sent on purpose: Prism must see both.

With --explain Prism lets violations pass and names them in full. That fails as well, at the end."""
import base64
import collections
import json
import pathlib
import re
import sys
import tempfile
import time
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration" / "support"))
from api import encoded, endpoints, match, news_problems  # noqa: E402
from harness import Bridge, Broker, FlipSim, Mqtt, Process, free_port, until  # noqa: E402

SITE, BATTERY, METER, CAR = "home/1 ä", "garage #1", "cellar 50%", "car?"  # ids may hold any character
FORM_PROGRAM = "Sandbox with a form"
SECRET = "whsec_" + base64.b64encode(b"a secret of this scenario alone").decode()
# What Prism says of a violation: a refused request, a refused answer, an unknown path or status.
WRONG = re.compile(r"Violation|terminated with error|did not pass|not valid|✖|\berror\b", re.I)


class Prism:
    """Listens where the bridge takes Flip to be, and forwards what is right to flip-sim."""

    def __init__(self, upstream, explain):
        self.port = free_port()
        program = HERE / "node_modules/@stoplight/prism-cli/dist/index.js"
        options = ["proxy", "-h", "127.0.0.1", "-p", self.port, HERE / "openapi.yaml", upstream]
        self.process = Process("prism", ["node", program, *options, *([] if explain else ["--errors"])])
        self.process.wait_log("Prism is listening", 60)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def violations(self, since=0):
        return [line for line in self.process.lines[since:] if WRONG.search(line)]

    def mark(self):
        return len(self.process.lines)


def battery(device, endpoint):
    """A battery with soc and power, or with a lifetime counter, below its own topic."""
    below = encoded(device)
    sources = {
        "state_of_charge": {"topic": f"{below}/soc", "unit": "%"},
        "battery_power": {"topic": f"{below}/power", "unit": "W", "positive": "charging"},
    }
    if endpoint == "counter":
        sources["battery_charge_energy"] = {"topic": f"{below}/charged", "unit": "kWh"}
    return {
        "id": device,
        "manufacturer_name": "DeviceMaker",
        "product_name": "Model 1",
        "serial_number": {"topic": f"{below}/serial"},
        "install_date": "2022-02-22",
        "capacity": "13.5 kWh",
        "max_charge": "5 kW",
        "max_discharge": "5 kW",
        "telemetry": {"endpoint": endpoint, "interval": "1s", "sources": sources},
    }


def configuration(broker, prism, sim, folder, port):
    car = {"id": CAR, "type": "EV_CHARGER", "manufacturer_name": "CarMaker", "product_name": "Wallbox"}
    car.update(serial_number="77", install_date="2023-01-31", attributes={"phases": 3})
    site = {"id": SITE, "commission": True, "first_name": "Ann", "email": "ann@example.org", "state_code": "CA"}
    site.update(zip_code="88800", devices=[battery(BATTERY, "interval"), battery(METER, "counter"), car])
    paces = ("commands", "events", "enrollments", "programs", "site")
    return {
        "version": 1,
        "flip": {"base_url": prism.url, "token": sim.token, "upload_delay": "1s", "poll": dict.fromkeys(paces, "1s")},
        "mqtt": {"server": broker.url},
        "storage": {"path": str(folder / "flip2mqtt.db")},
        "requests": {"allow": ["all"]},
        "http": {"listen": f"127.0.0.1:{port}", "webhook": {"path": "/webhook/flip", "secret": SECRET}},
        "sites": [site],
    }


class Life:
    """What happens, in order. Each step waits for its outcome."""

    def __init__(self, sim, mqtt):
        self.sim, self.mqtt, self.below = sim, mqtt, f"flip2mqtt/site/{encoded(SITE)}"

    def ask(self, operation, http_status=200, **request):
        """One request, answered as expected; its data."""
        answer = self.mqtt.request(operation, request, timeout=30)
        assert answer["http_status"] == http_status, f"{operation} {request}: {answer}"
        assert (answer["status"] == "ok") == (http_status < 300), answer
        return answer.get("data")

    def commissioning(self):
        for device in (BATTERY, METER):
            self.mqtt.publish(f"{encoded(device)}/serial", f"serial of {device}", retain=True)
        until(lambda: len(self.sim.state()["devices"]) == 3, 60, "the site to be commissioned")
        self.mqtt.wait_for(f"{self.below}/programs", lambda m: len(m.json()) == 2, 30)

    def telemetry(self):
        def both():
            for device in (BATTERY, METER):
                self.mqtt.publish(f"{encoded(device)}/soc", "61.5")
                self.mqtt.publish(f"{encoded(device)}/power", str(1000 + time.time_ns() % 999))
            self.mqtt.publish(f"{encoded(METER)}/charged", f"{5000 + time.monotonic() % 1000 / 1000:.4f}")
            online = [p for p in self.sim.points() if p["last_is_online"]]
            return {p["endpoint"] for p in online} == {"BATTERY", "BATTERY_COUNTER"} and len(online) > 6

        until(both, 60, "points on both endpoints", every=0.2)
        counted = [p for p in self.sim.points(METER) if p["last_is_online"]]
        assert counted[-1]["battery_total_energy_charge_wh"] > 4_000_000, counted[-1]

    def polling(self):
        lists = {"commands", "events", "enrollments", "programs", "devices"}
        def polled():
            return {r["path"].rpartition("/")[2] for r in self.sim.requests()["requests"] if r["method"] == "GET"} >= lists

        until(polled, 30, "a poll of everything")

    def commands(self):
        event = {"site_id": SITE, "program_id": self.program(FORM_PROGRAM)["id"], "starts_in_s": 2, "duration_s": 3}
        event.update(mode="DISCHARGE", power_mode="SETPOINT", setpoint_w=3000, backup_reserve_percentage=20)
        since = self.mqtt.mark()
        self.sim.control("POST", "event", event)
        for device in (BATTERY, METER):
            told = f"flip2mqtt/device/{encoded(device)}/command"
            for phase in ("received", "started", "ended"):
                self.mqtt.wait_for(told, lambda m, p=phase: m.json()["phase"] == p, 30, since)
        until(lambda: {a["device_id"] for a in self.sim.control("GET", "acknowledgements")} == {BATTERY, METER}, 30)
        open_ended = {"device_id": BATTERY, "mode": "STANDBY", "duration_s": None}
        command = self.sim.control("POST", "command", open_ended)
        acknowledged = {"device_status": "FAILED_FAULT", "device_status_reason": "the fuse is out"}
        assert self.ask("command/update", command_id=command["id"], body=acknowledged)["device_status"] == "FAILED_FAULT"
        assert command["id"] in [c["id"] for c in self.ask("commands/get")]
        self.ask("command/update", 404, command_id=str(uuid.uuid4()), body=acknowledged)

    def program(self, name):
        return next(p for p in self.ask("client_programs/get") if p["name"] == name)

    def enrollment(self):
        program = self.program(FORM_PROGRAM)
        assert self.ask("program/get", site_id=SITE, program_id=program["id"]) == program
        offered = self.ask("programs/get", site_id=SITE, query={"device_type": "BATTERY", "zip_code": "88800"})
        assert program in offered
        body = {"device_ids": [BATTERY], "program_id": program["id"], "enroll_method": "USER_ACTION"}
        body.update(has_agreed_to_terms_and_conditions=True)
        body.update(terms_and_conditions_version=program["terms_and_conditions_version"])
        body.update(program_specific_attributes=[{"name": "account_id", "value": "1234567-0"}])
        made = self.ask("enrollment/create", site_id=SITE, body=body)
        self.ask("enrollment/create", 409, site_id=SITE, body=body)
        self.ask("enrollment/create", 422, site_id=SITE, body={**body, "device_ids": ["nobody's"]})
        self.mqtt.wait_for(f"{self.below}/enrollments", lambda m: made["id"] in m.text, 30)
        self.ask("enrollment/delete", 204, site_id=SITE, enrollment_id=made["id"])
        self.ask("enrollment/delete", 404, site_id=SITE, enrollment_id=str(uuid.uuid4()))
        assert self.ask("enrollments/get", site_id=SITE)[0]["status"] == "UNENROLLED"

    def participation(self):
        program = self.program(FORM_PROGRAM)["id"]
        event = self.sim.control("POST", "event", {"site_id": SITE, "program_id": program, "starts_in_s": 600, "mode": "BACKUP"})
        where = f"{self.below}/participation"
        self.mqtt.wait_for(f"{self.below}/event", lambda m: event["id"] in m.text, 30)
        since = self.mqtt.mark()
        self.mqtt.publish(f"{where}/set", "OFF")
        self.mqtt.wait_for(where, "OFF", 30, since)
        self.ask("event/update", site_id=SITE, event_id=event["id"], body={"is_participating": True})
        assert self.ask("event/get", site_id=SITE, event_id=event["id"])["is_participating"] is True
        several = {"status": ["UPCOMING", "ACTIVE"]}
        assert event["id"] in [e["id"] for e in self.ask("events/get", site_id=SITE, query=several)]
        self.ask("event/get", 404, site_id=SITE, event_id=str(uuid.uuid4()))

    def devices(self):
        extra = {"id": "extra", "site_id": SITE, "type": "BATTERY", "manufacturer_name": "DeviceMaker"}
        extra.update(product_name="Model 2", serial_number="9", install_date="2025-06-19T15:30:00-07:00")
        extra.update(attributes={"battery_capacity_wh": 1, "battery_power_input_w": 2, "battery_power_output_w": 3})
        body = {"site": {"id": SITE}, "devices": [extra], "can_auto_enroll": True}
        assert self.ask("commission", body=body)["enrollment"]["status"] == "PENDING"
        self.ask("commission", 409, body=body)
        change = {"attributes": {"battery_capacity_wh": 12000}, "configuration": {"reserve_percentage": 30}}
        changed = self.ask("device/update", site_id=SITE, device_id="extra", body=change)
        assert self.ask("device/get", site_id=SITE, device_id="extra") == changed
        assert "extra" in [d["id"] for d in self.ask("devices/get", site_id=SITE)]
        self.ask("device/delete", 204, site_id=SITE, device_id="extra")
        self.ask("device/get", 404, site_id=SITE, device_id="extra")

    def site(self):
        changed = self.ask("site/update", site_id=SITE, body={"city": "Ventura", "company_name": None})
        assert changed["city"] == "Ventura" and self.ask("site/get", site_id=SITE) == changed
        assert [s["id"] for s in self.ask("sites/get")] == [SITE]
        self.sim.control("POST", "token", {"site": "revoke"})
        assert self.ask("site/get", site_id=SITE) == changed  # after a 401, with a new token
        assert self.ask("site_token/create", site_id=SITE)["site_access_token"]
        self.ask("site_token/create", 404, site_id="nowhere")

    def settings(self):
        told = f"{self.below}/notification"
        self.sim.control("POST", "settings", {"site_id": SITE, "device_id": BATTERY, "reserve": 20})
        news = self.mqtt.wait_for(told, lambda m: m.json()["event_type"] == "settings.apply", 30).json()
        asked = news["event_object"]["id"]
        self.ask("settings/update", settings_request_id=asked, body={"status": "OK"})
        self.ask("settings/update", 404, settings_request_id="none", body={"status": "OK"})
        self.ask("supplements/create", body={"kind": "photo", "of": ["meter"]})

    def reports(self):
        point = self.mqtt.last(f"flip2mqtt/device/{encoded(BATTERY)}/telemetry").json()["point"]
        reading = self.mqtt.last(f"flip2mqtt/device/{encoded(METER)}/telemetry").json()["point"]
        assert self.ask("telemetry/report", body={"telemetry": [point]}) == [{"status": "OK"}]
        unknown = {**reading, "device_id": "nobody's"}
        assert self.ask("telemetry_counter/report", body={"telemetry": [unknown]})[0]["status"] == "FAILED"
        stats = self.sim.stats()
        assert {stats[fault] for fault in ("incomplete", "conflicts", "overlaps", "counter_decreases")} == {0}, stats

    def all(self):
        parts = (self.commissioning, self.telemetry, self.polling, self.commands, self.enrollment, self.participation,
                 self.devices, self.site, self.settings, self.reports)
        for part in parts:
            began = time.monotonic()
            part()
            print(f"contract: {part.__name__} ({time.monotonic() - began:.1f} s)", flush=True)


def news(mqtt):
    """Everything that was told is what a webhook may hold; says what is not, or is missing."""
    told = [m.json() for m in mqtt.messages("flip2mqtt/site/+/notification")]
    kinds = collections.Counter(t["event_type"] for t in told)
    print("news: " + "  ".join(f"{kind}×{n}" for kind, n in sorted(kinds.items())))
    wanted = {"event.created", "event.updated", "command.created", "command.updated", "enrollment.created", "settings.apply"}
    problems = [f"no {kind} was told" for kind in sorted(wanted - set(kinds))]
    return problems + [f"{t['event_type']}: {problem}" for t in told for problem in news_problems(t)]


def table(sim):
    """Prints every endpoint with what flip-sim saw of it; what is missing or was called with another token."""
    seen, tokens, strays = collections.defaultdict(collections.Counter), collections.defaultdict(set), []
    for request in sim.requests()["requests"]:
        endpoint = match(request["method"], request["path"])
        if not endpoint:
            strays.append(f"{request['method']} {request['path']} is in no contract")
            continue
        seen[endpoint][request["status"]] += 1
        if request["status"] != 401:  # a token that was revoked
            tokens[endpoint].add(request["token"])
    print(f"{'endpoint':<58} {'token':<6} answers")
    for endpoint in endpoints():
        answers = "  ".join(f"{status}×{n}" for status, n in sorted(seen[endpoint].items()))
        print(f"{endpoint.method:<6} {endpoint.path:<51} {endpoint.token:<6} {answers or 'never called'}")
        if not any(200 <= status < 300 for status in seen[endpoint]):
            strays.append(f"{endpoint.method} {endpoint.path} never succeeded")
        if tokens[endpoint] - {endpoint.token}:
            strays.append(f"{endpoint.method} {endpoint.path} was called with {tokens[endpoint]}")
    return strays


def controls(prism, sim):
    """Does Prism see what is wrong? A request that breaks the contract, and an answer that does."""
    broken = {"event_type": "command.created", "event_object": {"id": "c"}, "timestamp": "2026-01-01T00:00:00Z"}
    problems = [] if news_problems(broken) else ["a broken webhook passes"]
    through = FlipSim.__new__(FlipSim)
    through.port = prism.port
    for name, prepare, method, path, body in (
        ("a broken request", None, "PATCH", f"/v1/command/{uuid.uuid4()}", {"device_status": "PERHAPS"}),
        ("a broken answer", {"path": "/v1/sites", "status": 200, "body": [{"name": "no id"}]}, "GET", "/v1/sites", None),
        ("an unknown path", None, "GET", "/v1/dispatches", None),
        ("an unknown status", {"path": "/v1/sites", "status": 418, "body": {"message": "tea"}}, "GET", "/v1/sites", None),
    ):
        sim.no_faults()
        if prepare:
            sim.fault(**prepare)
        since = prism.mark()
        status, answer = through.call(method, path, body, token=sim.token)
        try:
            until(lambda s=since: prism.violations(s), 10)
        except AssertionError:
            problems.append(f"Prism let {name} pass: {status} {json.dumps(answer)[:300]}")
    sim.no_faults()
    return problems


def main(explain):
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="flip2mqtt-contract-") as folder:
        folder, port = pathlib.Path(folder), free_port()
        hook = ("--webhook-url", f"http://127.0.0.1:{port}/webhook/flip", "--webhook-secret", SECRET, "--webhook-retry", 1)
        broker, sim = Broker(folder), FlipSim(folder, *hook, "--quiet", "--enrollment-delay", -1, auto_register=False)
        with broker, sim:
            prism = Prism(sim.url, explain)
            with prism.process, Mqtt(broker, "flip2mqtt/#") as mqtt:
                with Bridge(folder, configuration(broker, prism, sim, folder, port)) as bridge:
                    bridge.start()
                    try:
                        Life(sim, mqtt).all()
                    except AssertionError:
                        wrong = prism.violations()[:20] or prism.process.lines[-40:]
                        print("\n".join(["-- Prism:", *wrong, "-- the bridge:", *bridge.process.lines[-40:]]))
                        print("script/contract --explain names violations in full")
                        raise
                    bridge.stop()
                problems = table(sim) + news(mqtt) + [f"Prism: {line}" for line in prism.violations()]
                problems += controls(prism, sim)
    for problem in problems:
        print(f"contract: {problem}", file=sys.stderr)
    if not problems:
        print(f"contract: no violation in either direction, all endpoints called ({time.monotonic() - began:.0f} s)")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main("--explain" in sys.argv[1:]))
