"""flip2mqtt as a process, with a configuration written from a dict."""
import copy
import os
import signal
import subprocess

import yaml

from harness.binaries import binary
from harness.process import PATIENCE, Process


class Tag:
    """A tagged scalar of the configuration: Tag("!env", "FLIP_TOKEN")."""

    def __init__(self, tag, value):
        self.tag, self.value = tag, value


class Dumper(yaml.SafeDumper):
    pass


Dumper.add_representer(Tag, lambda dumper, t: dumper.represent_scalar(t.tag, t.value))


def home_config(broker, sim, folder, interval="1s", **overrides):
    """The least that a home with one battery needs, against the test's broker and cloud, with quick uploads.
    Overrides replace whole sections: home_config(…, mqtt={…})."""
    config = {
        "version": 1,
        "flip": {"base_url": sim.url, "token": sim.token, "upload_delay": "1s"},
        "mqtt": {"server": broker.url},
        "storage": {"path": str(folder / "flip2mqtt.db")},
        "sites": [
            {
                "id": "home-1",
                "devices": [
                    {
                        "id": "battery-1",
                        "name": "Garage battery",
                        "type": "BATTERY",
                        "capacity": "13.5 kWh",
                        "max_charge": "5 kW",
                        "max_discharge": "5 kW",
                        "telemetry": {
                            "interval": interval,
                            "sources": {
                                "state_of_charge": {"topic": "battery/soc", "unit": "%"},
                                "battery_power": {"topic": "battery/power", "unit": "W", "positive": "charging"},
                            },
                        },
                    }
                ],
            }
        ],
    }
    if broker.tls:
        config["mqtt"]["ca"] = str(broker.tls.certificate)
    return {**config, **copy.deepcopy(overrides)}


class Bridge:
    """Not started by the constructor: start() runs `flip2mqtt -c FILE run`, command() any sub-command. The folder
    (configuration, database) outlives restarts."""

    def __init__(self, folder, config, env=None, base="flip2mqtt"):
        self.folder, self.base = folder, base
        self.file = folder / "configuration.yaml"
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("FLIP", "F2M_", "NOTIFY_", "INVOCATION_"))}
        self.env.update(env or {})
        self.process = None
        self.logs = []  # of former runs
        self.write(config)

    def write(self, config):
        """A dict, or YAML text as it is."""
        if not isinstance(config, str):
            config = yaml.dump(config, Dumper=Dumper, sort_keys=False, allow_unicode=True)
        self.file.write_text(config, encoding="utf-8")
        self.file.chmod(0o600)

    def start(self, *options, under=(), unread=False):
        """`under` is a command that starts it: ("prlimit", "--nofile=20"). `unread`: see Process."""
        if self.process:
            self.logs.append(self.process.log())
        argv = [*under, binary("flip2mqtt"), "-c", self.file, *options, "run"]
        self.process = Process("flip2mqtt", argv, env=self.env, unread=unread)
        return self

    def topic(self, below):
        return f"{self.base}/{below}"

    def start_online(self, mqtt, *options, timeout=20, **how):
        """Starts, and returns when bridge/state says online: then every subscription is granted. The will or the last
        run's offline may be retained; only a live message counts."""
        mqtt.subscribe(self.topic("bridge/state"))
        since = mqtt.mark()
        self.start(*options, **how)
        self.wait_online(mqtt, since, timeout)
        return self

    def wait_online(self, mqtt, since, timeout=20):
        try:
            mqtt.wait_for(self.topic("bridge/state"), lambda m: m.text == "online" and not m.retain, timeout, since)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()}") from None

    def command(self, *args, timeout=30):
        """Runs a sub-command to its end: a CompletedProcess with text."""
        return subprocess.run(
            [str(binary("flip2mqtt")), "-c", str(self.file), *args],
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout * PATIENCE,
            check=False,
        )

    def check(self, *args):
        return self.command("check", *args)

    def reload(self):
        self.process.signal(signal.SIGHUP)

    def stop(self, timeout=5):
        """A clean stop within what the interface promises."""
        code = self.process.terminate(timeout)
        assert code == 0, f"flip2mqtt ended with {code}:\n{self.log()}"

    def kill(self):
        self.process.kill()

    def running(self):
        return self.process is not None and self.process.running()

    def log(self):
        return self.process.log() if self.process else ""

    def wait_log(self, pattern, timeout=15, since=0):
        return self.process.wait_log(pattern, timeout, since)

    def close(self):
        if self.process:
            self.process.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
