"""One bridge with a battery for each clause of the interface, so that they can be tried at the same time."""
import time

from harness import Bridge, Broker, FlipSim, Mqtt, home_config, until

ACL = "user bridge\ntopic readwrite #\ntopic deny forbidden/#\nuser test\ntopic readwrite #\n"


def simple(name, **more):
    """A battery that takes a setpoint; 0 is its own mode."""
    topic = f"inv/{name}/w"
    modes = {
        "DISCHARGE": [{"topic": topic, "payload": "{{ setpoint_w }}"}],
        "CHARGE": [{"topic": topic, "payload": '-{{ setpoint_w | default("5000") }}'}],
    }
    return {"modes": modes, "restore": [{"topic": topic, "payload": "0"}], **more}


class Case:
    """A battery under test. Its writes are what comes on inv/<name>/#."""

    def __init__(self, home, name):
        self.home, self.name, self.sim, self.mqtt, self.count = home, name, home.sim, home.mqtt, 0
        self.since = home.mqtt.mark()

    def command(self, **fields):
        """By default DISCHARGE at 1 kW from now on for a minute; its id."""
        self.count += 1
        orders = {"mode": "DISCHARGE", "power_mode": "SETPOINT", "setpoint_w": 1000, "duration_s": 60}
        body = {"id": f"{self.name}-{self.count}", "device_id": self.name, **orders, **fields}
        self.sim.control("POST", "command", body)
        return body["id"]

    def patch(self, command, **fields):
        self.sim.control("PATCH", f"command/{command}", fields)

    def publish(self, below, payload, retain=False):
        self.mqtt.publish(f"flip2mqtt/device/{self.name}/{below}", payload, retain)

    def told(self, command):
        """Its phases, each with its reason where there is one."""
        messages = [m.json() for m in self.mqtt.messages(f"flip2mqtt/device/{self.name}/command", self.since)]
        return [f"{m['phase']}: {m['reason']}" if m["reason"] else m["phase"] for m in messages if m["command_id"] == command]

    def wait_told(self, command, phases, timeout=15):
        until(lambda: self.told(command) == phases, timeout, lambda: f"{command}: {phases}; told {self.told(command)}")

    def wait_phase(self, command, phase, timeout=15):
        until(lambda: phase in self.told(command), timeout, lambda: f"{command} {phase}; told {self.told(command)}")

    def writes(self):
        return [m.text for m in self.mqtt.messages(f"inv/{self.name}/#", self.since)]

    def wait_writes(self, *payloads, timeout=15):
        until(lambda: self.writes() == list(payloads), timeout, lambda: f"{self.name}: {payloads}; written {self.writes()}")

    def answer(self, command):
        found = next(c for c in self.sim.state()["commands"] if c["id"] == command)
        return f"{found['device_status']}: {found['device_status_reason']}"

    def wait_answer(self, command, answer, timeout=20):
        until(lambda: self.answer(command).startswith(answer), timeout, lambda: f"{command} {answer}; there {self.answer(command)}")

    def answers(self, command):
        """Every one that Flip took, in order."""
        return [f"{a['device_status']}: {a['device_status_reason']}" for a in self.sim.control("GET", "acknowledgements") if a["command_id"] == command]

    def control(self):
        return self.mqtt.last(f"flip2mqtt/device/{self.name}/control").json()

    def wait_control(self, timeout=15, **members):
        until(lambda: members.items() <= self.control().items(), timeout, lambda: f"{members} in {self.control()}")

    def wait_health(self, text, timeout=15):
        def problems():
            return str(self.mqtt.last("flip2mqtt/bridge/health").json())

        until(lambda: text in problems(), timeout, lambda: f"{text} in {problems()}")

    def wait_offline(self):
        state = f"flip2mqtt/device/{self.name}/state"
        self.mqtt.wait_for(state, lambda m: m.json()["online"] is False, since=self.since)

    def pass_s(self, seconds):
        """For what must not happen."""
        end = time.monotonic() + seconds
        until(lambda: time.monotonic() > end, seconds + 5)


class Home:
    """Broker with access control, cloud, bridge and a recording client; `devices` is {name: control section or whole
    device}."""

    def __init__(self, folder, devices, **flip):
        self.broker = Broker(folder, users={"bridge": "b", "test": "t"}, acl=ACL)
        self.sim = FlipSim(folder)
        self.mqtt = Mqtt(self.broker, "flip2mqtt/#", "inv/#", username="test", password="t")
        config = home_config(self.broker, self.sim, folder)
        config["mqtt"].update(username="bridge", password="b")
        config["flip"].update(poll={"commands": "1s"}, **flip)
        config["homeassistant"] = {"enabled": False}
        config["sites"][0]["devices"] = [self.device(n, d) for n, d in devices.items()]
        self.config = config
        self.bridge = Bridge(folder, config)

    @staticmethod
    def device(name, given):
        control, telemetry = given if isinstance(given, tuple) else (given, {"endpoint": "off"})
        limits = {"capacity": "10 kWh", "max_charge": "5 kW", "max_discharge": "5 kW"}
        return {"id": name, "name": name, "type": "BATTERY", **limits, "telemetry": telemetry, "control": control}

    def start(self):
        self.bridge.start_online(self.mqtt)
        return self

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.bridge.close()
        self.mqtt.close()
        self.sim.close()
        self.broker.close()
