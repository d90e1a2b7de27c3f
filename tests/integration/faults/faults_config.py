"""SIGHUP with a file that is broken or different, and secrets in files that are none of ours."""
import contextlib
import os
import re

import yaml
from harness import FlipSim, Tag, until
from harness.bridge import Dumper
from harness.fleet import Told
from scene import CANARY, HOME, Scene

METER = "battery-meter"


def dump(config):
    return yaml.dump(config, Dumper=Dumper, sort_keys=False)


# ---- reload ----

# what is wrong: (what becomes of the file's text, None = no file; what the log says behind file:line:column)
BROKEN = {
    "syntax": (lambda text: text.replace("version: 1", "version: [1"), ""),
    "unknown key": (lambda text: text.replace("version: 1", "version: 1\nspelling: mistake"), "spelling"),
    "unknown unit": (lambda text: text.replace("unit: W", "unit: VA", 1), "VA"),
    "unreadable secret": (lambda text: re.sub("token: .*", "token: !file /nowhere/token", text), "/nowhere/token: cannot read"),
    "two devices with one id": (lambda text: text.replace("id: battery-1", "id: battery-0"), "battery-0"),
    "other bytes": (lambda text: "\x01\x02", ""),
    "empty": (lambda text: "", ""),
    "missing": (lambda text: None, "cannot read"),
}


def broken(ground):
    """Whatever is wrong with the new file: the old configuration stays in force whole, the log says where, health that
    it is so; a good one ends it."""
    with Scene("reload-broken", ground) as scene:
        good = scene.bridge.file.read_text()
        for wrong, (change, said) in BROKEN.items():
            text = change(good)
            assert text != good
            if text is None:
                scene.bridge.file.unlink()
            else:
                scene.bridge.write(text)
            lines = len(scene.bridge.process.lines)
            scene.bridge.reload()
            scene.bridge.wait_log("new configuration is refused, the old one stays in force", 30, lines)
            place = scene.bridge.process.find(r"error config .*at=.*configuration\.yaml:\d+:\d+: .*" + said, lines)
            assert place, f"{wrong}: {scene.bridge.process.lines[lines:]}"
        scene.health(lambda h: any("configuration.yaml" in p for p in h["problems"]), "a refused configuration")
        scene.more(2)
        scene.bridge.write(good)
        scene.bridge.reload()
        scene.bridge.wait_log("the new configuration is in force", 30)
        scene.ends_well()


def with_meter(name):
    """Adds a battery whose energy a meter counts."""

    def change(config):
        devices = config["sites"][0]["devices"]
        sources = {"state_of_charge": {"topic": f"{name}-meter/soc", "unit": "%"}}
        sources["battery_charge_energy"] = {"topic": f"{name}-meter/charged", "unit": "Wh"}
        devices.append({**devices[0], "id": METER, "telemetry": {"interval": "1s", "sources": sources}})

    return change


class Meter:
    """Counts up by a watt-hour with each reading."""

    def __init__(self, scene):
        self.scene, self.start, self.count = scene, 5000, 5000

    def read(self):
        self.count += 1
        self.scene.mqtt.publish(f"{self.scene.name}-meter/soc", "50")
        self.scene.mqtt.publish(f"{self.scene.name}-meter/charged", str(self.count))

    def counted(self):
        """Wh in the points that are in the cloud."""
        points = self.scene.sim.points(METER)
        return sum(p["battery_total_energy_charge_wh"] or 0 for p in points)

    def arrives(self):
        """All that was counted since the first reading is in the cloud, and not more."""
        first = self.start + 1
        until(lambda: self.counted() >= self.count - first, 60, lambda: f"{self.count - first} Wh; {self.counted()}", 0.2)
        assert self.counted() == self.count - first


def changed(ground):
    """Mappings change in the middle of intervals, over and over: no energy of the counter that stays is lost."""
    with Scene("reload-changed", ground, change=with_meter("reload-changed")) as scene:
        meter = Meter(scene)
        config = yaml.safe_load(scene.bridge.file.read_text())
        source = config["sites"][0]["devices"][0]["telemetry"]["sources"]["battery_power"]
        for n in range(12):
            source.update(topic=f"battery/{n % 2}/power", unit=("W", "kW")[n % 2], scale=(1, 0.001)[n % 2])
            lines = len(scene.bridge.process.lines)
            meter.read()
            scene.bridge.write(config)
            scene.bridge.reload()
            meter.read()
            scene.bridge.wait_log("the new configuration is in force", 30, lines)
        scene.more(4)
        meter.arrives()
        scene.ends_well()


def moved(ground):
    """Another cloud, with another token: what comes then goes there, and no word to the former one."""
    with Scene("reload-cloud", ground) as scene:
        with FlipSim(ground.folder_of("reload-cloud-second"), token=f"{CANARY}-second", seed=HOME) as second:
            config = yaml.safe_load(scene.bridge.file.read_text())
            config["flip"].update(base_url=second.url, token=second.token)
            scene.bridge.write(config)
            scene.bridge.reload()
            scene.bridge.wait_log("the new configuration is in force", 30)
            scene.told = Told(scene.mqtt, scene.name)
            until(second.points, 60, "points in the new cloud")
            before = scene.sim.stats()["requests"]
            scene.more(6)
            former, scene.sim = scene.sim, second
            scene.ends_well()
            assert former.stats()["requests"] == before
            assert not [r for r in second.requests()["requests"] if r["status"] == 401], "the former token came here"
            former.close()


# ---- secrets ----


def secrets(ground):
    """The token's file: whatever is not plainly ours is refused with what to do, by check and by run."""
    with Scene("secret-files", ground) as scene:
        scene.bridge.stop()
        token = scene.folder / "token"
        config = yaml.safe_load(scene.bridge.file.read_text())
        secret = config["flip"]["token"]
        config["flip"]["token"] = Tag("!file", str(token))
        scene.bridge.write(config)
        for make, said in ((lambda: None, "cannot read"), (lambda: os.mkfifo(token, 0o600), "expected a regular file, found a pipe"),
                           (token.mkdir, "found a folder"), (lambda: write(token, secret, 0o620), "chmod go-w"),
                           (lambda: write(token, secret, 0o602), "chmod go-w"), (lambda: token.symlink_to("loose"), "chmod go-w"),
                           (lambda: write(token, f"{secret}\0", 0o600), "without NUL")):
            write(scene.folder / "loose", secret, 0o622)
            make()
            for command in ("check", "run"):
                done = scene.bridge.command(command)
                assert done.returncode == 78, (said, done)
                assert re.search(rf"configuration\.yaml:\d+:\d+: error: .*{said}", done.stderr), (said, done.stderr)
                assert CANARY not in done.stdout + done.stderr
            with contextlib.suppress(FileNotFoundError):
                token.rmdir() if token.is_dir() else token.unlink()
        write(scene.folder / "loose", secret, 0o644)
        token.symlink_to("loose")
        scene.start()
        scene.bridge.wait_log("warning: .*everybody may read this secret, mode 0644 .chmod o-r.", 10)
        scene.ends_well()


def write(path, text, mode):
    path.write_text(text)
    path.chmod(mode)


SCENES = {"reload-broken": broken, "reload-changed": changed, "reload-cloud": moved, "secret-files": secrets}
