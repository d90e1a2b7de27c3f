"""The program itself: options, seed, port file, reset, and a clean end on a signal."""
import json
import os
import signal
import subprocess

from simulator import Sim, device

BINARY = os.environ["F2M_FLIP_SIM"]


def run(*options):
    return subprocess.run([BINARY, *options], capture_output=True, text=True, timeout=20)


def test_help_and_version():
    assert run("--help").returncode == 0 and "--keep-points" in run("--help").stdout
    assert run("--version").stdout.startswith("flip-sim ")


def test_bad_options_are_usage_errors():
    for options in (["--nothing"], ["--listen", "nowhere"], ["--listen", "127.0.0.1:70000"], ["--keep-points", "0"],
                    ["--site-token-ttl", "1h"], ["--webhook-secret", "abc"], ["extra"]):
        result = run(*options)
        assert result.returncode == 64 and result.stderr, options


def test_a_taken_port_is_told(sim):
    result = run("--listen", f"127.0.0.1:{sim.port}")
    assert result.returncode == 69 and "cannot listen on 127.0.0.1" in result.stderr


def test_banner_port_file_and_signals(tmp_path):
    for number in (signal.SIGTERM, signal.SIGINT):
        sim = Sim("--port-file", str(tmp_path / "port"))
        assert sim.banner == f"flip-sim listening on http://127.0.0.1:{sim.port}\n"
        assert int((tmp_path / "port").read_text()) == sim.port
        sim.control("POST", "fault", {"stall": True})
        sim.process.send_signal(number)
        _, stderr = sim.process.communicate(timeout=20)
        assert sim.process.returncode == 0, stderr


def test_the_seed_is_there_at_the_start_and_after_a_reset(start, tmp_path):
    seed = {"sites": [{"id": "s1"}], "devices": [device("d1")], "programs": [{"id": "p1", "name": "Mine"}],
            "events": [{"id": "e1", "site_id": "s1", "starts_in_s": 60, "mode": "CHARGE"}],
            "commands": [{"id": "c1", "device_id": "d1", "mode": "BACKUP", "device_status": "OK"}]}
    path = tmp_path / "seed.json"
    path.write_text(json.dumps(seed))
    sim = start("--seed-file", str(path))

    def summary():
        state = sim.control("GET", "state")
        return {kind: [item["id"] for item in state[kind]] for kind in ("sites", "devices", "programs", "events")}

    expected = {"sites": ["s1"], "devices": ["d1"], "programs": ["p1"], "events": ["e1"]}
    assert summary() == expected
    assert "c1" in [c["id"] for c in sim.send("GET", "/v1/commands").json]
    sim.commission("s2", ["d2"])
    sim.control("POST", "outage", {"on": True})
    sim.control("POST", "reset")
    assert summary() == expected and sim.send("GET", "/v1/sites").status == 200


def test_a_bad_seed_names_the_place(tmp_path):
    path = tmp_path / "seed.json"
    path.write_text(json.dumps({"sites": [{"id": "s1"}, {"id": "s2", "state_code": "XX"}]}))
    result = run("--seed-file", str(path))
    assert result.returncode == 65 and "/sites/1/state_code: Input should be" in result.stderr
    path.write_text("{")
    assert run("--seed-file", str(path)).returncode == 65
    assert run("--seed-file", str(tmp_path / "none")).returncode == 65


def test_oversized_bodies_are_refused(sim):
    answer = sim.send("POST", "/v1/supplements", b" " * (17 << 20))
    assert answer.status == 413
