"""A bad configuration gives exactly the error that its writer needs; a good one is shown without its secrets."""
import json
import re

import pytest
from harness import Bridge

GOOD = """\
version: 1
flip: { token: canary-token, base_url: "http://127.0.0.1:1" }
mqtt: { server: "mqtt://127.0.0.1:1" }
sites:
  - id: home
    devices:
      - id: battery
        capacity: 13.5 kWh
        telemetry:
          sources:
            state_of_charge: { topic: b/soc, unit: "%" }
"""


@pytest.fixture
def program(tmp_path):
    return Bridge(tmp_path, GOOD)


def check(program, text):
    """(exit code, [(line, column, message)], whole output) of `flip2mqtt check`."""
    program.write(text)
    done = program.check()
    output = done.stdout + done.stderr
    name = re.escape(str(program.file))
    found = re.findall(rf"^{name}:(\d+):(\d+): error: (.*)$", output, re.M)
    return done.returncode, [(int(line), int(column), message) for line, column, message in found], output


def test_a_good_configuration_is_valid(program):
    code, errors, output = check(program, GOOD)
    assert (code, errors) == (0, []), output


# What is changed in GOOD, where the error is told, and what the message must hold.
MISTAKES = {
    "unknown key": ("flip: {", "flip: { tokn: x,", (2, 9), "unknown key 'tokn'.*did you mean 'token'"),
    "unknown key below a device": ("capacity:", "capacty:", (8, 9), "did you mean 'capacity'"),
    "unknown source": ("state_of_charge:", "state_of_charg:", (11, 13), "did you mean 'state_of_charge'"),
    "duplicate key": ("sites:\n", "mqtt: {}\nsites:\n", (4, 1), "duplicate key 'mqtt'"),
    "missing key": ("token: canary-token, ", "", (2, 7), "missing key 'token'"),
    "two device ids": (
        "sites:\n",
        "sites:\n  - id: other\n    devices: [ { id: battery } ]\n",
        (9, 13),
        "one device with the id 'battery'",
    ),
    "no unit": ("13.5 kWh", "13.5", (8, 19), r"13\.5 kWh"),
    "wrong unit": ("13.5 kWh", "13.5 kW", (8, 19), "energy"),
    "percent sign": ('"%"', "%", (11, 52), "quotes"),
    "tab": ("    devices:", "\tdevices:", (6, 2), "tab.*blanks"),
    "on is text": ("telemetry:\n", "telemetry:\n          interval: on\n", (10, 21), "duration"),
    "octal": ("telemetry:\n", "telemetry:\n          interval: 0123\n", (10, 21), "duration"),
    "sexagesimal": ("telemetry:\n", "telemetry:\n          interval: 16:00\n", (10, 21), "duration"),
    "interval too long": ("telemetry:\n", "telemetry:\n          interval: 6min\n", (10, 21), "1s to 5min"),
    "unknown unit": ('"%"', "furlong", (11, 52), "unit"),
    "positive where it means nothing": ('"%"', '"%", positive: import', (11, 57), "positive.*battery_power and grid_power"),
    "topic with a wildcard in the middle": ("b/soc", '"b/#/soc"', (11, 39), "topic"),
    "pointer without a slash": ('"%"', '"%", path: soc', (11, 63), "pointer|/"),
    "plain http to another host": ("http://127.0.0.1:1", "http://example.com", (2, 40), "insecure: true"),
    "unset variable": ("canary-token", "!env F2M_NOT_SET", (2, 16), "F2M_NOT_SET"),
    "missing secret": ("canary-token", "!secret nothing", (2, 16), r"secrets\.yaml"),
    "missing file": ("canary-token", "!file /nowhere/token", (2, 16), "/nowhere/token"),
    "version": ("version: 1", "version: 2", (1, 10), "1"),
    "unknown preset": ("capacity:", "preset: solarassistent\n        capacity:", (8, 17), "did you mean 'solarassistant'"),
    "unknown template variable": (
        "telemetry:\n",
        'control: { modes: { DISCHARGE: [ { topic: t, payload: "{{ setpoint }}" } ] } }\n        telemetry:\n',
        (9, 63),
        "setpoint_w",
    ),
    "unknown mode": (
        "telemetry:\n",
        "control: { modes: { DISCHARG: [ { topic: t, payload: x } ] } }\n        telemetry:\n",
        (9, 29),
        "DISCHARGE",
    ),
    "commanded topic with a wildcard": (
        "telemetry:\n",
        'control: { restore: [ { topic: "t/+", payload: x } ] }\n        telemetry:\n',
        (9, 40),
        "topic",
    ),
}


@pytest.mark.parametrize("old, new, place, message", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_where_it_stands(program, old, new, place, message):
    assert old in GOOD
    code, errors, output = check(program, GOOD.replace(old, new, 1))
    assert code == 78, output
    told = [e for e in errors if e[:2] == place and re.search(message, e[2])]
    assert told, f"no error at {place} with /{message}/:\n{output}"
    assert len(errors) == 1, f"one mistake, more errors:\n{output}"
    assert "canary" not in output


def test_the_source_line_and_a_caret_follow(program):
    _, _, output = check(program, GOOD.replace("13.5 kWh", "13.5"))
    lines = output.splitlines()
    at = next(i for i, line in enumerate(lines) if ": error: " in line)
    assert lines[at + 1] == "        capacity: 13.5"
    assert lines[at + 2] == " " * 18 + "^"


def test_columns_count_characters_and_the_caret_follows_a_mask(program):
    code, errors, output = check(program, GOOD.replace("mqtt: {", 'mqtt: { base_topic: "家é", keepalive: 1,'))
    assert code == 78
    assert [e[:2] for e in errors] == [(3, 38)], output
    _, _, output = check(program, GOOD.replace('http://127', 'ftp://127'))
    line, caret = output.splitlines()[1:3]
    assert line[len(caret) - 1 :].startswith('"ftp://'), output


def test_every_mistake_is_told_in_one_run(program):
    text = GOOD.replace("13.5 kWh", "13.5").replace("version: 1", "version: 1\nspelling: x").replace('"%"', "furlong")
    code, errors, output = check(program, text)
    assert code == 78
    assert len(errors) == 3, output


def test_errors_for_machines(program):
    program.write(GOOD.replace("13.5 kWh", "13.5"))
    done = program.check("--json")
    assert done.returncode == 78
    (error,) = json.loads(done.stdout)
    assert (error["line"], error["column"], error["file"]) == (8, 19, str(program.file))
    assert "13.5 kWh" in error["message"]
    program.write(GOOD)
    done = program.check("--json")
    assert done.returncode == 0 and json.loads(done.stdout) == []


@pytest.mark.parametrize("command", ["check", "run", "config", "doctor"])
def test_a_missing_file_is_78(program, command):
    program.file.unlink()
    done = program.command(command)
    assert done.returncode == 78
    assert f"{program.file}:1:1: error: " in done.stderr + done.stdout


@pytest.mark.parametrize(
    "text",
    ["", "\0", "[]", "just words", "a: b: c", "x: *nowhere", "x: " + "[" * 5000, "\xff\xfe", "\xe9: " * 2000, "? x\n: y"],
    ids=range(10),
)
def test_what_is_no_configuration_is_refused_whatever_it_is(program, text):
    program.file.write_bytes(text.encode("latin-1"))
    done = program.check()
    assert done.returncode == 78, done
    assert re.search(r":\d+:\d+: error: ", done.stdout + done.stderr), done


def test_a_configuration_that_is_a_folder(program):
    program.file.unlink()
    program.file.mkdir()
    assert program.check().returncode == 78


@pytest.mark.parametrize(
    "words",
    [["frobnicate"], ["--frobnicate"], ["outbox"], ["outbox", "frob"], ["run", "more"], ["--log-level", "loud", "check"],
     ["doctor", "--for", "banana"], ["doctor", "--for", "1e300d"], ["--log-format", "xml", "run"]],
    ids=" ".join,
)
def test_a_wrong_command_line_is_64(program, words):
    done = program.command(*words)
    assert done.returncode == 64, done
    assert done.stderr.startswith("flip2mqtt: ") or "flip2mqtt" in done.stderr.splitlines()[0]


def test_the_configuration_stands_before_or_after_the_command(program):
    from harness.binaries import binary
    import subprocess

    for words in (["-c", program.file, "check"], ["check", "-c", program.file], ["check", f"--config={program.file}"]):
        done = subprocess.run([binary("flip2mqtt"), *words], capture_output=True, check=False)
        assert done.returncode == 0, words


def test_help_and_version(program):
    assert program.command("--help").returncode == 0
    assert "outbox" in program.command("--help").stdout
    said = {program.command(word).stdout for word in ("version", "--version")}
    assert len(said) == 1 and re.match(r"flip2mqtt \d+\.\d+\.\d+", said.pop())


def test_the_effective_configuration_has_defaults_and_no_secrets(program):
    program.write(
        GOOD.replace("mqtt://127.0.0.1:1", "mqtt://ann:canary-mqtt@127.0.0.1:1")
        + "http: { listen: 127.0.0.1:8099, webhook: { secret: whsec_Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5 } }\n"
    )
    done = program.command("config")
    assert done.returncode == 0, done
    assert "***" in done.stdout
    for secret in ("canary", "Y2FuYXJ5"):
        assert secret not in done.stdout + done.stderr
    for default in ("upload_delay: 2s", "base_topic: flip2mqtt", "keepalive: 1min", "max_age: 30d", "interval: 5min"):
        assert default in done.stdout, f"no '{default}' in\n{done.stdout}"


def test_what_config_prints_is_a_configuration(program):
    program.write(GOOD.replace("canary-token", "!env FLIP_TOKEN"))
    program.env["FLIP_TOKEN"] = "t"
    shown = program.command("config").stdout
    program.write(shown)
    assert program.check().returncode == 0, (shown, program.check())


def test_a_secret_is_never_in_an_error(program):
    code, _, output = check(
        program,
        GOOD.replace("canary-token", "[canary-token]").replace("mqtt://127.0.0.1:1", "mqtt://a:canary@127.0.0.1:port"),
    )
    assert code == 78
    assert "canary" not in output, output


def test_the_environment_overrides_the_file(program, tmp_path):
    token = tmp_path / "token"
    token.write_text("from-file\n")
    token.chmod(0o600)
    program.env.update(
        FLIP2MQTT_MQTT_BASE_TOPIC="elsewhere", FLIP2MQTT_FLIP_TOKEN_FILE=str(token), FLIP2MQTT_FLIP_UPLOAD_DELAY="7s"
    )
    shown = program.command("config").stdout
    assert "base_topic: elsewhere" in shown and "upload_delay: 7s" in shown and "from-file" not in shown
    program.env["FLIP2MQTT_FLIP_UPLOAD_DELAY"] = "never"
    done = program.check()
    assert done.returncode == 78 and "FLIP2MQTT_FLIP_UPLOAD_DELAY" in done.stdout + done.stderr, done


def test_a_secret_file_that_others_may_write_is_refused(program, tmp_path):
    token = tmp_path / "token"
    token.write_text("canary")
    token.chmod(0o622)
    code, _, output = check(program, GOOD.replace("canary-token", f"!file {token}"))
    assert code == 78 and "canary" not in output
    token.chmod(0o644)
    code, errors, output = check(program, GOOD.replace("canary-token", f"!file {token}"))
    assert (code, errors) == (0, [])
    assert "warning" in output and "canary" not in output


def test_two_batteries_that_map_one_solar_topic_are_warned_of(program):
    second = """\
      - id: battery-2
        telemetry:
          sources: { solar_power: { topic: pv } }
"""
    code, errors, output = check(program, GOOD + "            solar_power: { topic: pv }\n" + second)
    assert (code, errors) == (0, []), output
    assert re.search(r":\d+:\d+: warning: .*(solar|twice)", output), output


def test_check_has_no_side_effects(program, tmp_path):
    text = GOOD + f"storage: {{ path: {tmp_path}/data/f.db }}\n"
    before = sorted(tmp_path.iterdir())
    code, _, output = check(program, text)
    assert code == 0, output
    assert sorted(tmp_path.iterdir()) == before
