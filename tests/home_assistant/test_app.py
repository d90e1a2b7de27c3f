"""The app for Home Assistant (packaging/home-assistant): its scripts run with a stand-in for bashio and for the program,
and its files hold to what the Supervisor takes."""
import json
import os
import pathlib
import re
import struct
import subprocess
import sys

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
APP = ROOT / "packaging/home-assistant/flip2mqtt"
SERVICE = APP / "rootfs/etc/services.d/flip2mqtt"

# bashio's own settings, and the functions of it that the script uses, out of two files.
BASHIO = r"""
set -o errexit -o errtrace -o nounset -o pipefail
member() { "$F2M_PYTHON" -c 'import json, sys; v = json.load(open(sys.argv[1])).get(sys.argv[2])
print(v if isinstance(v, str) else json.dumps(v))' "$@"; }
bashio::config() { member "$F2M_OPTIONS" "$1"; }
bashio::config.has_value() { [ "$(bashio::config "$1")" != null ] && [ -n "$(bashio::config "$1")" ]; }
bashio::config.true() { [ "$(bashio::config "$1")" = true ]; }
bashio::services.available() { [ "$1" = mqtt ] && [ -s "$F2M_SERVICE" ]; }
bashio::services() { member "$F2M_SERVICE" "$2"; }
bashio::var.true() { [ "$1" = true ]; }
bashio::fs.file_exists() { [ -f "$1" ]; }
bashio::log.info() { echo "INFO: $*" >&2; }
bashio::log.warning() { echo "WARNING: $*" >&2; }
sleep() { echo "slept $1" >&2; }
"""
PROGRAM = r"""#!/bin/bash
env | grep ^FLIP2MQTT_ | sort >"$F2M_SEEN.env"
printf '%s\n' "$@" >"$F2M_SEEN.args"
while [ $# -gt 0 ]; do
    if [ "$1" = --output ] && [ "${F2M_FOUND:-}" ]; then echo found >"$2"; fi
    shift
done
[ "${F2M_FOUND:-}" ] || [ ! "${F2M_LEARNS:-}" ] || exit 69
"""
BROKER = {"host": "core-mosquitto", "port": 1883, "ssl": False, "username": "addons", "password": "geheim", "protocol": "3.1.1"}
OPTIONS = {"environment": "sandbox", "log_level": "info", "learn": False}


class Home:
    """What the container has, below a folder of its own."""

    def __init__(self, folder):
        self.root = folder
        for below in ("config", "run", "data", "etc/flip2mqtt", "usr/bin"):
            (folder / below).mkdir(parents=True)
        self.config = folder / "config/configuration.yaml"
        (folder / "etc/flip2mqtt/configuration.yaml").write_text("# the example\n")
        program = folder / "usr/bin/flip2mqtt"
        program.write_text(PROGRAM)
        program.chmod(0o755)

    def run(self, options=None, broker=BROKER, **env):
        """The script's exit code and what it said; then self.args and self.env are the program's."""
        text = (SERVICE / "run").read_text(encoding="utf-8")
        text = re.sub(r"(?<![\w./-])/(config|run|data|etc|usr)/", rf"{self.root}/\1/", text.split("\n", 1)[1])
        (self.root / "options.json").write_text(json.dumps({**OPTIONS, **(options or {})}))
        (self.root / "service.json").write_text(json.dumps(broker) if broker else "")
        seen = self.root / "seen"
        for kind in ("env", "args"):
            seen.with_suffix(f".{kind}").unlink(missing_ok=True)
        env = {"PATH": os.environ["PATH"], "F2M_OPTIONS": str(self.root / "options.json"), "F2M_SEEN": str(seen),
               "F2M_PYTHON": sys.executable, "F2M_SERVICE": str(self.root / "service.json"), **env}  # fmt: skip
        done = subprocess.run(["bash", "-c", BASHIO + text], env=env, capture_output=True, text=True, timeout=30, check=False)
        self.args = seen.with_suffix(".args").read_text().split("\n")[:-1] if seen.with_suffix(".args").exists() else None
        self.env = dict(line.split("=", 1) for line in seen.with_suffix(".env").read_text().splitlines()) if self.args else None
        return done.returncode, done.stderr


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


def test_the_bridge_gets_what_the_supervisor_knows(home):
    home.config.write_text("sites: []\n")
    assert home.run({"environment": "production", "flip_token": "fl_x", "log_level": "debug"}) == (0, "")
    assert home.args == ["-c", str(home.config), "--log-level", "debug", "run"]
    secrets = {name: pathlib.Path(home.env.pop(f"FLIP2MQTT_{name}")) for name in ("FLIP_TOKEN_FILE", "MQTT_PASSWORD_FILE")}
    assert {name: path.read_text().strip() for name, path in secrets.items()} == {"FLIP_TOKEN_FILE": "fl_x", "MQTT_PASSWORD_FILE": "geheim"}
    assert {path.stat().st_mode & 0o777 for path in secrets.values()} == {0o600}
    assert home.env == {
        "FLIP2MQTT_FLIP_ENVIRONMENT": "production",
        "FLIP2MQTT_HTTP_LISTEN": "0.0.0.0:8099",
        "FLIP2MQTT_MQTT_SERVER": "mqtt://core-mosquitto:1883",
        "FLIP2MQTT_MQTT_USERNAME": "addons",
        "FLIP2MQTT_STORAGE_PATH": str(home.root / "data/flip2mqtt.db"),
    }


def test_tls_and_no_token(home):
    home.config.write_text("sites: []\n")
    assert home.run(broker={**BROKER, "ssl": True, "port": 8883}) == (0, "")
    assert home.env["FLIP2MQTT_MQTT_SERVER"] == "mqtts://core-mosquitto:8883"
    assert "FLIP2MQTT_FLIP_TOKEN_FILE" not in home.env


def test_without_a_broker_it_says_so_and_is_started_again(home):
    """Exit code 75, which `finish` leaves to s6: the broker's app may be installed later."""
    for text in (None, "sites: []\n"):
        if text:
            home.config.write_text(text)
        code, said = home.run(broker=None)
        assert code == 75 and "No broker" in said and "slept 30" in said and home.args is None
    home.config.write_text("mqtt: { server: mqtt://elsewhere }\nsites: []\n")
    assert home.run(broker=None) == (0, "")
    assert not [name for name in home.env if name.startswith("FLIP2MQTT_MQTT")]


def test_the_first_start_learns(home):
    code, said = home.run(F2M_LEARNS="1", F2M_FOUND="1")
    assert code == 0 and "fill in what says FILL IN" in said
    assert home.args == ["learn", "--for", "10min", "--output", str(home.config)]
    assert home.config.read_text() == "found\n"


def test_where_nothing_is_recognised_an_example_is_written(home):
    code, said = home.run(F2M_LEARNS="1")
    assert code == 0 and "Wrote an example" in said, said
    assert home.config.read_text() == "# the example\n"


def test_learning_again_leaves_the_configuration_alone(home):
    home.config.write_text("sites: []\n")
    code, said = home.run({"learn": True}, F2M_LEARNS="1", F2M_FOUND="1")
    assert code == 0 and "Switch the option 'learn' off" in said
    assert home.args[:5] == ["learn", "-c", str(home.config), "--for", "10min"]
    (learnt,) = home.config.parent.glob("learnt-*.yaml")
    assert (learnt.read_text(), home.config.read_text()) == ("found\n", "sites: []\n")
    code, said = home.run({"learn": True}, F2M_LEARNS="1")
    assert code == 0 and "Nothing to write" in said


@pytest.mark.parametrize(
    "code, ends",
    [(0, True), (1, True), (64, True), (78, True), (69, False), (71, False), (74, False), (75, False), (256, False)],
)
def test_what_ends_the_app_and_what_is_started_again(tmp_path, code, ends):
    """Mistakes that a restart cannot heal end it; a crash (s6 says 256, and the signal) and what may pass do not."""
    halt, result = tmp_path / "halt", tmp_path / "exitcode"
    halt.write_text(f"#!/bin/sh\necho halted >{tmp_path}/halted\n")
    halt.chmod(0o755)
    text = (SERVICE / "finish").read_text(encoding="utf-8")
    text = text.replace("/run/s6-linux-init-container-results/exitcode", str(result)).replace("/run/s6/basedir/bin/halt", str(halt))
    assert subprocess.run(["sh", "-c", text, "finish", str(code), "11"], check=False).returncode == 0
    assert (tmp_path / "halted").exists() is ends
    assert (result.read_text() if ends else None) == (f"{code}\n" if ends else None)


# ---- files ----


@pytest.fixture(scope="module")
def config():
    return yaml.safe_load((APP / "config.yaml").read_text(encoding="utf-8"))


KEYS = {"name", "version", "slug", "description", "url", "arch", "startup", "boot", "init", "services", "map", "ports",
        "ports_description", "ingress", "ingress_port", "panel_icon", "panel_title", "watchdog", "backup", "options", "schema",
        "homeassistant", "image", "timeout", "breaking_versions", "stage", "apparmor"}  # fmt: skip
TYPE = re.compile(r"(str|bool|int|float|email|url|password|port)(\(.*\))?\??|(match|list)\(.+\)\??")


def test_the_supervisor_takes_it(config):
    assert {"name", "version", "slug", "description", "arch"} <= set(config) <= KEYS
    assert set(config["arch"]) == {"aarch64", "amd64"}, "all that there is"
    assert re.fullmatch(r"[-_.A-Za-z0-9]+", config["slug"]) and config["slug"] == APP.name
    assert config["init"] is False, "s6 wants to be the first process"
    assert re.fullmatch(r"http://\[HOST\]:\[PORT:8099\]/\S+", config["watchdog"])
    assert config["ports"] == {"8099/tcp": None} and set(config["ports_description"]) == set(config["ports"])
    assert config["ingress_port"] == 8099
    assert config["boot"] == "auto", "after a power cut Flip would hear nothing until somebody starts it"
    assert all(re.fullmatch(r"(mqtt|mysql):(provide|want|need)", s) for s in config["services"])
    assert all(TYPE.fullmatch(kind) for kind in config["schema"].values())
    # An optional one has no default, every other one has: an app whose options are not complete does not start.
    assert set(config["options"]) == {name for name, kind in config["schema"].items() if not kind.endswith("?")}
    assert "name" in yaml.safe_load((APP.parent / "repository.yaml").read_text(encoding="utf-8"))


def test_every_option_is_explained(config):
    words = yaml.safe_load((APP / "translations/en.yaml").read_text(encoding="utf-8"))
    assert set(words) == {"configuration", "network"}
    assert set(words["configuration"]) == set(config["schema"])
    assert all(set(one) == {"name", "description"} for one in words["configuration"].values())
    assert set(words["network"]) == set(config["ports"])
    asked = set(re.findall(r"bashio::config(?:\.\w+)? (\w+)", (SERVICE / "run").read_text(encoding="utf-8")))
    assert asked == set(config["schema"])


def test_versions_are_the_programs(config):
    (version,) = re.findall(r"project\(\s*flip2mqtt\s+VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"))
    assert config["version"] == version
    dockerfile = (APP / "Dockerfile").read_text(encoding="utf-8")
    assert f'io.hass.version="{version}"' in dockerfile and 'io.hass.type="app"' in dockerfile
    assert not re.search(r"BUILD_FROM|FROM .*:latest", dockerfile), "the base image is named, and pinned"


def test_scripts_can_be_run_and_ask_for_no_document():
    """The base image is a slim Debian: dpkg leaves /usr/share/doc out."""
    for script in ("run", "finish"):
        assert os.access(SERVICE / script, os.X_OK)
        assert "/usr/share/doc" not in re.sub(r"(?m)^\s*#.*", "", (SERVICE / script).read_text(encoding="utf-8"))


def test_the_icon_is_square():
    head = (APP / "icon.png").read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", head[16:]) == (128, 128)


def test_nothing_else_is_called_config():
    """The Supervisor looks for config.yaml in all folders of a repository."""
    names = [p for kind in ("yaml", "yml", "json") for p in (APP.parent).rglob(f"config.{kind}")]
    assert names == [APP / "config.yaml"]
