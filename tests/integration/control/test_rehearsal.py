"""flip2mqtt control test: the very same path without Flip, shown to the owner as it goes, also beside a running bridge,
whose truth about this and other batteries it leaves alone, and which it gives way to."""
import concurrent.futures

from cases import Case, Home, simple
from harness import until


def metered(name):
    topic, state = f"inv/{name}/w", {"topic": f"house/{name}/state", "equals": "{{ setpoint_w }}", "within": "1s"}
    control = {
        "modes": {"DISCHARGE": [{"topic": topic, "payload": "{{ setpoint_w }}", "confirm": state}]},
        "restore": [{"topic": topic, "payload": "0"}],
    }
    sources = {
        "battery_power": {"topic": f"house/{name}/power", "positive": "charging"},
        "state_of_charge": {"topic": f"house/{name}/soc"},
    }
    return control, {"endpoint": "off", "sources": sources}


def rehearse(case, *more, device=None):
    words = ["control", "test", "--device", device or case.name, "--mode", "DISCHARGE", "--setpoint", "9 kW", "--for", "3s", *more]
    return case.home.bridge.command(*words, timeout=120)


def carried_out(case):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        job = pool.submit(rehearse, case)
        case.wait_writes("5000")
        for topic, payload in {"state": "5000", "power": "-4980", "soc": "61"}.items():
            case.mqtt.publish(f"house/{case.name}/{topic}", payload)
        done = job.result()
    assert done.returncode == 0, done
    shown = [" ".join(line.split()[2:]) for line in done.stdout.splitlines() if line[:8].strip()]
    for line in [
        "command started",
        "control DISCHARGE, 5000 W (limited)",
        f"to battery inv/{case.name}/w = 5000",
        f"from battery house/{case.name}/state = 5000",
        "battery discharges 4980 W, state of charge 61 %",
        "command ended",
        f"to battery inv/{case.name}/w = 0",
    ]:
        assert line in shown, (line, shown)
    assert "Carried out, and the battery is restored: ended" in done.stdout


def over_too_soon(case):
    done = rehearse(case, "--for", "2s")
    assert done.returncode == 69 and "give a longer --for" in done.stdout, done
    assert case.writes()[-1] == "0"


def not_confirmed(case):
    done = rehearse(case, "--for", "10s")
    assert done.returncode == 69, done
    reason = f"not confirmed: house/{case.name}/state shows nothing, expected '5000'"
    assert f"Not carried out; the battery is restored: failed, {reason}" in done.stdout, done
    assert case.writes() == ["5000", "5000", "5000", "0"]


def not_possible(case):
    done = rehearse(case, "--mode", "BACKUP")
    assert done.returncode == 69 and "not possible: mode BACKUP/SETPOINT is not configured" in done.stderr, done
    assert case.writes() == []


def held_by_flip(case):
    command = case.command()
    case.wait_control(owner="flip", command_id=command)
    done = rehearse(case)
    assert done.returncode == 75 and "Flip controls this battery right now" in done.stderr, done
    assert case.writes() == ["1000"]
    assert case.control()["command_id"] == command


def taken_over_by_flip(case):
    command = case.command(starts_in_s=9, duration_s=60)
    case.wait_control(owner="local")
    until(lambda: case.control()["next"], what="the command to come")
    done = rehearse(case, "--for", "60s")
    assert done.returncode == 75 and "Flip takes over" in done.stdout, done
    assert "Flip's next command begins at" in done.stdout
    assert case.writes() == ["5000", "1000"]  # not restored: it is Flip's now
    case.wait_control(owner="flip", command_id=command)


def with_a_command_to_come(case):
    case.command(starts_in_s=600)
    until(lambda: case.control()["next"], what="the command to come")
    before = case.control()
    done = rehearse(case)
    assert done.returncode == 0, done
    assert case.writes() == ["5000", "0"]
    case.wait_control(owner="local")
    assert case.control() == before  # with what comes next


def only_observed(case):
    done = rehearse(case)
    assert "nothing is published to the battery" in done.stdout, done
    assert done.returncode == 0 and "Rehearsed; nothing was published to the battery: ended" in done.stdout, done
    assert case.writes() == []


def test_a_rehearsal_beside_a_running_bridge(tmp_path):
    plays = [carried_out, over_too_soon, not_confirmed, not_possible, held_by_flip, taken_over_by_flip, with_a_command_to_come, only_observed]
    controls = {p.__name__: simple(p.__name__) for p in plays}
    controls.update((n, metered(n)) for n in ("carried_out", "over_too_soon", "not_confirmed"))
    controls["only_observed"]["observe"] = True
    with Home(tmp_path, controls) as home:
        home.start()
        with concurrent.futures.ThreadPoolExecutor(len(plays)) as pool:
            jobs = {p.__name__: pool.submit(p, Case(home, p.__name__)) for p in plays}
            failures = {n: repr(j.exception()) for n, j in jobs.items() if j.exception()}
        assert not failures, "\n".join(f"{n}: {f}" for n, f in failures.items())
        home.bridge.stop()
        alone = Case(home, "with_a_command_to_come")
        done = rehearse(alone)
        assert done.returncode == 0 and alone.writes() == ["5000", "0"], done
