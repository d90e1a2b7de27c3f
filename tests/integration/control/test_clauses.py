"""Each clause of the interface's "Commands" that can be seen from outside, on a battery of its own, all at the same
time on one bridge. A clause is a function of a Case; its name is the device's id."""
import concurrent.futures
import json
import time

from cases import Case, Home, simple
from harness import Mqtt, until

CLAUSES = {}


def clause(control=simple, telemetry=None, **more):
    """Registers a clause with the control section (a dict, or a function of the name) of its device."""

    def register(play):
        name = play.__name__
        section = control(name, **more) if callable(control) else {**control, **more}
        CLAUSES[name] = (play, section if telemetry is None else (section, {"endpoint": "off", **telemetry(name)}))
        return play

    return register


def soc(name):
    return {"max_age": "5min", "sources": {"state_of_charge": {"topic": f"house/{name}/soc", "unit": "%"}}}


def availability(name):
    return {"availability": {"topic": f"house/{name}/status", "online": "online", "offline": "offline"}}


# ---- the way of a command ----


@clause()
def executed_from_start_to_end(case):
    c = case.command(starts_in_s=4, duration_s=2, is_preparatory_action=True)
    until(lambda: (case.control()["next"] or {}).get("command_id") == c, what="what comes next")
    assert case.control()["owner"] == "local"
    case.wait_answer(c, "OK: scheduled")
    case.wait_control(owner="flip", mode="DISCHARGE", power_mode="SETPOINT", setpoint_w=1000, command_id=c, next=None)
    case.wait_control(owner="local", mode="NONE", command_id=None, setpoint_w=None)
    case.wait_told(c, ["received", "started", "ended"])
    case.wait_writes("1000", "0")
    assert case.answers(c) == ["OK: scheduled"]


@clause()
def already_over(case):
    c = case.command(starts_in_s=-120, duration_s=60)
    case.wait_answer(c, "FAILED_FAULT: already over")
    case.wait_told(c, ["rejected: already over"])
    assert case.writes() == []


@clause()
def first_seen_canceled(case):
    c = case.command(status="CANCELED")
    case.wait_answer(c, "OK: canceled")
    case.wait_told(c, ["canceled"])
    assert case.writes() == []


@clause()
def canceled_while_running(case):
    c = case.command()
    case.wait_writes("1000")
    case.wait_answer(c, "OK")
    case.patch(c, status="CANCELED")
    case.wait_writes("1000", "0")
    case.wait_answer(c, "OK: canceled")
    case.wait_told(c, ["received", "started", "canceled"])
    case.wait_control(owner="local")


@clause()
def opted_out_and_in_again(case):
    c = case.command()
    case.wait_writes("1000")
    case.wait_answer(c, "OK")
    case.patch(c, status="OPT_OUT")
    case.wait_writes("1000", "0")
    case.wait_answer(c, "OK: opted out")
    case.patch(c, status="OK")
    case.wait_writes("1000", "0", "1000")
    case.wait_told(c, ["received", "started", "opted_out", "received", "started"])
    case.wait_answer(c, "OK: s")


@clause()
def updated_while_running(case):
    c = case.command(duration_s=60)
    case.wait_writes("1000")
    case.patch(c, setpoint_w=2000, starts_in_s=-3, duration_s=8)
    case.wait_writes("1000", "2000")  # no restore in between
    case.wait_control(setpoint_w=2000)
    case.wait_writes("1000", "2000", "0")  # the end has moved
    assert case.told(c) == ["received", "started", "ended"]


@clause()
def repeated_unchanged(case):
    c = case.command()
    case.wait_writes("1000")
    case.wait_answer(c, "OK")
    case.patch(c, device_status="PENDING")
    case.wait_answer(c, "OK: started")
    assert case.writes() == ["1000"] and case.told(c) == ["received", "started"]


@clause()
def overlapped_by_a_later_one(case):
    a = case.command(starts_in_s=1, duration_s=8)
    b = case.command(starts_in_s=3, duration_s=3, setpoint_w=2000)
    case.wait_writes("1000", "2000", "1000", "0", timeout=20)
    case.wait_told(a, ["received", "started", "replaced", "started", "ended"])
    case.wait_told(b, ["received", "started", "ended"])


@clause()
def open_ended(case):
    a = case.command(duration_s=None)
    case.wait_writes("1000")
    case.wait_control(ends_at=None)
    b = case.command(duration_s=3, setpoint_w=2000)
    case.wait_writes("1000", "2000", "0")
    case.wait_told(a, ["received", "started", "replaced"])  # and does not come back
    case.wait_told(b, ["received", "started", "ended"])
    case.wait_control(owner="local")


@clause()
def told_with_an_expiry(case):
    c = case.command(duration_s=50)
    case.wait_phase(c, "started")
    (first, *_) = case.mqtt.messages(f"flip2mqtt/device/{case.name}/command", case.since)
    body = first.json()
    assert not first.retain and 0 < first.expiry_s <= 50
    assert body["command"]["id"] == body["command_id"] == c and body["phase"] == "received" and body["timestamp"].endswith("Z")


# ---- what it cannot do ----


@clause()
def a_mode_that_is_not_in_modes(case):
    c = case.command(mode="STANDBY", power_mode=None, setpoint_w=None)
    case.wait_answer(c, "FAILED_FAULT: not possible: mode STANDBY is not configured")
    case.wait_phase(c, "rejected: not possible: mode STANDBY is not configured")


@clause()
def a_mode_that_nobody_knows(case):
    c = case.command(mode="HIBERNATE", power_mode=None, setpoint_w=None)
    case.wait_answer(c, "FAILED_FAULT: not possible")
    assert case.writes() == []


@clause()
def a_value_that_is_missing(case):
    c = case.command(power_mode="FOLLOW_LOAD", setpoint_w=None)
    case.wait_answer(c, "FAILED_FAULT: not possible: setpoint_w has no value")
    assert case.writes() == []


@clause(control={})
def no_modes_at_all(case):
    c = case.command(duration_s=4)
    case.wait_answer(c, "OK")
    case.wait_control(owner="flip", mode="DISCHARGE", setpoint_w=1000)
    case.wait_control(owner="local")
    case.wait_told(c, ["received", "started", "ended"])


@clause(reserve_floor="20 %")
def clamped(case):
    c = case.command(setpoint_w=9000, backup_reserve_percentage=5)
    limits = "setpoint_w limited to 5000 W, backup_reserve_percentage raised to 20 %"
    until(lambda: case.answer(c).startswith("OK") and case.answer(c).endswith(f"; {limits}"), 20, lambda: case.answer(c))
    case.wait_writes("5000")
    case.wait_control(setpoint_w=5000, backup_reserve_percentage=20)


# ---- what the integration says ----


@clause(acknowledge="integration")
def acknowledged_by_the_integration(case):
    c = case.command(starts_in_s=3, duration_s=3)
    case.wait_phase(c, "received")
    assert case.answer(c).startswith("PENDING")
    case.publish("command/ack", {"id": c, "device_status": "OK", "reason": "the inverter says yes"})
    case.wait_answer(c, "OK: the inverter says yes")
    case.wait_writes("1000", "0")


@clause(acknowledge="integration")
def refused_by_the_integration(case):
    c = case.command(starts_in_s=30)
    case.wait_phase(c, "received")
    case.publish("command/ack", {"id": c, "device_status": "FAILED_FAULT", "reason": "the inverter is in service"})
    case.wait_answer(c, "FAILED_FAULT: the inverter is in service")
    case.wait_told(c, ["received", "rejected: the inverter is in service"])


@clause(acknowledge="integration", acknowledge_timeout="2s")
def not_acknowledged_in_time(case):
    c = case.command(duration_s=60)
    case.wait_answer(c, "FAILED_OFFLINE: no answer from the integration within 2 s")
    case.publish("command/ack", {"id": c, "device_status": "OK"})
    case.wait_answer(c, "OK")  # late, but not over


@clause(acknowledge="off")
def executed_and_never_answered(case):
    c = case.command(duration_s=4)
    case.wait_writes("1000", "0")
    assert case.answers(c) == [] and case.answer(c).startswith("PENDING")


@clause(telemetry=availability, acknowledge_timeout="3s")
def offline_until_later(case):
    case.mqtt.publish(f"house/{case.name}/status", "offline", retain=True)
    case.wait_offline()
    c = case.command()
    case.wait_answer(c, "FAILED_OFFLINE: the device is offline")
    case.mqtt.publish(f"house/{case.name}/status", "online", retain=True)
    case.wait_answer(c, "OK: s")
    case.wait_writes("1000", "0", "1000")  # its time had come, then it was given up, and now it goes on


# ---- what the broker and the battery say ----


def confirmed(name):
    topic = f"inv/{name}/w"
    state = {"topic": f"house/{name}/state", "path": "/mode", "equals": "{{ setpoint_w }}", "within": "1s"}
    return {"modes": {"DISCHARGE": [{"topic": topic, "payload": "{{ setpoint_w }}", "confirm": state}]}, "restore": [{"topic": topic, "payload": "0"}]}


@clause(control=confirmed)
def confirmed_by_the_battery(case):
    c = case.command(duration_s=6)
    case.wait_writes("1000")
    case.mqtt.publish(f"house/{case.name}/state", {"mode": 1000.0})
    case.wait_writes("1000", "0")
    case.wait_told(c, ["received", "started", "ended"])


@clause(control=confirmed)
def not_confirmed_by_the_battery(case):
    c = case.command()
    case.wait_writes("1000")
    case.mqtt.publish(f"house/{case.name}/state", {"mode": "busy"})
    reason = f"not confirmed: house/{case.name}/state shows 'busy', expected '1000'"
    case.wait_answer(c, f"FAILED_FAULT: {reason}")
    case.wait_writes("1000", "1000", "1000", "0")  # three times, then restore
    case.wait_told(c, ["received", "started", f"failed: {reason}"])


@clause(control={"modes": {"DISCHARGE": [{"topic": "deaf/w", "payload": "1"}]}})
def nobody_listens(case):
    c = case.command()
    case.wait_answer(c, "FAILED_OFFLINE: nobody listens on deaf/w")
    case.wait_health(f"{case.name}: nobody listens on deaf/w")
    with Mqtt(case.home.broker, "deaf/#", username="test", password="t") as listener:
        listener.wait_for("deaf/w", "1", timeout=20)
        case.wait_answer(c, "OK: started")
        case.patch(c, status="CANCELED")
        case.wait_answer(c, "OK: canceled")


@clause(control={"modes": {"DISCHARGE": [{"topic": "forbidden/w", "payload": "1"}]}})
def refused_by_the_broker(case):
    c = case.command()
    case.wait_answer(c, "FAILED_FAULT: the broker refuses forbidden/w (reason 0x87)")
    case.wait_health(f"{case.name}: the broker refuses forbidden/w")


# ---- the owner ----


@clause(observe=True)
def only_observed(case):
    c = case.command(duration_s=4)
    case.wait_control(owner="flip", command_id=c)
    case.wait_control(owner="local")
    case.home.bridge.wait_log(rf'command ended \(only observed\)" command={c} ')
    assert case.writes() == [] and case.told(c) == [] and case.answers(c) == []


@clause()
def paused(case):
    c = case.command()
    case.wait_writes("1000")
    case.publish("pause/set", "ON")
    case.wait_writes("1000", "0")
    case.wait_answer(c, "FAILED_FAULT: paused by owner")
    case.wait_told(c, ["received", "started", "failed: paused by owner"])
    d = case.command()
    case.wait_answer(d, "FAILED_FAULT: paused by owner")
    case.publish("pause/set", "OFF")
    e = case.command(setpoint_w=500)
    case.wait_answer(e, "OK")
    case.wait_writes("1000", "0", "500")  # what was refused is not revived
    case.wait_told(d, ["rejected: paused by owner"])


@clause(control=lambda name: simple(name, veto={"topic": f"house/{name}/grid_lost"}))
def vetoed(case):
    topic = f"house/{case.name}/grid_lost"
    c, later = case.command(), case.command(starts_in_s=9, setpoint_w=700)
    case.wait_writes("1000")
    case.mqtt.publish(topic, "on", retain=True)
    case.wait_writes("1000", "0")
    case.wait_answer(c, f"FAILED_FAULT: veto: {topic}")
    case.wait_health(f"{case.name}: veto: {topic}")
    case.mqtt.publish(topic, "off", retain=True)
    case.wait_writes("1000", "0", "700")  # what was not refused goes on
    case.wait_told(later, ["received", "started"])


@clause(telemetry=soc, reserve_floor="20 %")
def guarded(case):
    case.mqtt.publish(f"house/{case.name}/soc", "50")
    c = case.command()
    case.wait_writes("1000")
    case.mqtt.publish(f"house/{case.name}/soc", "20")
    case.wait_writes("1000", "0")
    reason = "state of charge 20 % is at the reserve of 20 %"
    case.wait_answer(c, f"FAILED_FAULT: {reason}")
    case.mqtt.publish(f"house/{case.name}/soc", "21.9")
    case.pass_s(1.5)
    assert case.writes() == ["1000", "0"]
    case.mqtt.publish(f"house/{case.name}/soc", "22")
    case.wait_writes("1000", "0", "1000")
    case.wait_answer(c, "OK: started")
    case.wait_told(c, ["received", "started", f"failed: {reason}", "started"])


def play(home, name):
    run, _ = CLAUSES[name]
    run(Case(home, name))


def test_every_clause(tmp_path):
    with Home(tmp_path, {name: device for name, (_, device) in CLAUSES.items()}) as home:
        retained = {"id": "x", "device_status": "OK"}
        home.mqtt.publish("flip2mqtt/device/paused/pause/set", "ON", retain=True)  # nobody asks now
        home.mqtt.publish("flip2mqtt/device/paused/command/ack", retained, retain=True)
        home.start()
        stranger = Case(home, "nobody-of-ours").command()
        with concurrent.futures.ThreadPoolExecutor(len(CLAUSES)) as pool:
            jobs = {name: pool.submit(play, home, name) for name in CLAUSES}
            failures = {n: repr(j.exception()) for n, j in jobs.items() if j.exception()}
        assert not failures, "\n".join(f"{n}: {f}" for n, f in failures.items())
        assert Case(home, "x").answer(stranger).startswith("PENDING")  # another bridge may own it
        health = home.mqtt.last("flip2mqtt/bridge/health").json()
        assert health["counters"]["unknown_commands"] == 1, json.dumps(health)
        home.bridge.stop()


def test_a_clean_stop_does_not_restore_and_unknown_devices_may_be_rejected(tmp_path):
    with Home(tmp_path, {name: simple(name) for name in ("running", "over", "paused")}, unknown_devices="reject") as home:
        home.start()
        stranger = Case(home, "nobody-of-ours")
        rejected = stranger.command()
        running, over, paused = (Case(home, name) for name in ("running", "over", "paused"))
        paused.publish("pause/set", "ON")
        home.mqtt.wait_for("flip2mqtt/device/paused/pause", "ON")
        begin = time.time()
        c, d = running.command(duration_s=60), over.command(duration_s=3)
        running.wait_writes("1000")
        over.wait_writes("1000")
        stranger.wait_answer(rejected, "FAILED_FAULT: unknown device")
        home.bridge.stop()
        until(lambda: time.time() > begin + 3.2, what="the end of the shorter one")
        assert running.writes() == over.writes() == ["1000"]
        home.start()
        running.wait_writes("1000", "1000")
        over.wait_writes("1000", "0")
        running.wait_told(c, ["received", "started"])
        over.wait_told(d, ["received", "started", "ended"])
        until(lambda: home.mqtt.last("flip2mqtt/device/paused/pause").text == "ON", what="the pause of before")
        paused.wait_answer(paused.command(), "FAILED_FAULT: paused by owner")
        home.bridge.stop()
