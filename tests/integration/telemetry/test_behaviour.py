"""What Flip is told of a battery, whatever its messages look like: one bridge, one battery per row of the table, all of
them through the same rounds, a clean stop and a kill on the way.

A round publishes each row's messages; the point that closes next must say what the row expects. `SUM` is the energy of
all points of that battery so far."""
import datetime
import itertools
import time

from harness import Bridge, home_config, until

NAMES = {
    "online": "last_is_online",
    "mode": "last_mode",
    "charge": "battery_last_power_charge_w",
    "discharge": "battery_last_power_discharge_w",
    "stored": "battery_last_stored_energy_wh",
    "capacity": "battery_last_capacity_energy_wh",
    "reserve": "battery_last_backup_reserve_percentage",
    "soc": "battery_last_state_of_charge_percentage",
    "soh": "battery_last_state_of_health_percentage",
    "grid": "last_is_grid_online",
    "home": "home_last_power_w",
    "solar": "solar_last_power_w",
    "charge_wh": "battery_total_energy_charge_wh",
    "discharge_wh": "battery_total_energy_discharge_wh",
    "home_wh": "home_total_energy_wh",
    "solar_wh": "solar_total_energy_wh",
}
ALL_NULL = {name: None for name in NAMES if name != "online"}


class SUM(float):
    """Expected of all points together."""


class Row:
    """rounds[0] is what the broker holds retained before the start, with what the first point says of it; others are
    ({topic: payload or payloads}, {field: expected})."""

    def __init__(self, name, sources, *rounds, device=None, **telemetry):
        self.name, self.rounds = name, rounds
        telemetry = {"interval": "1s", "sources": sources, **telemetry}
        self.config = {"id": name, **(device or {}), "telemetry": self._own(telemetry)}

    def topic(self, name):
        return f"{self.name.replace(' ', '-')}/{name}"

    def _own(self, node):
        """The same with topics of its own."""
        if isinstance(node, list):
            return [self._own(x) for x in node]
        if not isinstance(node, dict):
            return node
        own = {key: self._own(x) for key, x in node.items()}
        if isinstance(node.get("topic"), str):
            own["topic"] = self.topic(node["topic"])
        return own


def on(topic, **rest):
    return {"topic": topic, **rest}


def ago(seconds):
    """A time stamp, made when it is published."""
    return lambda: (datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds)).isoformat()


def stamped(value, seconds):
    return lambda: '{"v": %s, "at": "%s"}' % (value, ago(seconds)())


SOC = on("soc")
POWER = {"battery_power": on("p", positive="charging")}
CHARGED = {"battery_charge_energy": on("e")}
COUNTER = {"endpoint": "counter"}
FIVE = {"max_charge": "5 kW", "max_discharge": "5 kW"}
NOTHING = ({}, {})
# Rounds 1 to 4, then a clean stop, round 5, a kill, rounds 6 and 7. What a row does not say is not looked at.
ROUNDS, STOP_BEFORE, KILL_BEFORE = 7, 5, 6

ROWS = [
    # ---- how a payload is read ----
    Row("plain text", {"state_of_charge": SOC}, NOTHING,
        ({"soc": " 55.5\n"}, {"soc": 55.5}), ({"soc": ["5e1", "0x33", "51 %", "NaN", b"5\x005"]}, {"soc": 50}),
        ({"soc": ["101", "-1", "1e999"]}, {"soc": 50}), ({"soc": "Unavailable"}, {"soc": None})),
    Row("json", {"state_of_charge": on("m", path="/a~1b/1/soc"), "grid_online": on("m", path="/grid")}, NOTHING,
        ({"m": '{"a/b":[0,{"soc":"61.5"}],"grid":true}'}, {"soc": 61.5, "grid": True}),
        ({"m": ['{"a/b":[0,{"soc":62}', "62", "[]"]}, {"soc": 61.5}), ({"m": '{"other": 1}'}, {"soc": 61.5}),
        ({"m": '{"a/b":[0,{"soc":null}],"grid":"OFF"}'}, {"soc": None, "grid": False})),
    Row("keyvalue", {"state_of_charge": on("m", format="keyvalue", path="/SOC"),
                     "solar_power": on("m", format="keyvalue", path="/PV", unit="kW")}, NOTHING,
        ({"m": "V=52.1, SOC=77 ,PV=1.5,ok"}, {"soc": 77, "solar": 1500}), ({"m": "V=52"}, {"soc": 77, "solar": 1500})),
    Row("units", {"battery_power": on("p", unit="kW", scale=0.1, offset=-1, positive="discharging"),
                  "state_of_charge": on("soc", unit="ratio"), "solar_power": on("pv", unit="mW")}, NOTHING,
        ({"p": "30", "soc": "0.42", "pv": "1500000"}, {"discharge": 2000, "charge": 0, "soc": 42, "solar": 1500}),
        ({"p": "0", "soc": "1.01"}, {"discharge": 0, "charge": 1000, "soc": 42})),
    Row("mode", {"mode": on("m", map={"2": "SELF_CONSUMPTION", "Battery first": "DISCHARGE"}), "state_of_charge": SOC},
        NOTHING, ({"soc": "1", "m": "Battery first"}, {"mode": "DISCHARGE"}), ({"m": "2"}, {"mode": "SELF_CONSUMPTION"}),
        ({"m": "odd"}, {"mode": "SAVINGS"}), default_mode="SAVINGS"),
    Row("sum", {"solar_power": {"sum": [on("a"), on("b", unit="kW")]}}, NOTHING,
        ({"a": "300"}, {"solar": None}), ({"b": "1.2"}, {"solar": 1500}), ({"a": "none"}, {"solar": None})),
    Row("missing zero", {"solar_power": {"sum": [on("a"), on("b", unit="kW")], "missing": "zero"}}, NOTHING,
        ({"a": "300"}, {"solar": 300}), ({"b": "1.2"}, {"solar": 1500}), ({"a": ""}, {"solar": 1200})),
    Row("difference", {"grid_power": {"difference": [on("in"), on("out")], "positive": "import"}, "solar_power": on("pv"),
                       "battery_power": {"product": [on("v"), on("i")], "unit": "W", "positive": "charging"}}, NOTHING,
        ({"in": "0", "out": "450", "v": "52", "i": "-10.5", "pv": "1000"}, {"discharge": 546, "home": 1096})),
    Row("constants", {"state_of_charge": SOC, "state_of_health": {"const": 90}, "backup_reserve": {"const": "20 %"}},
        ({}, {"online": None, "soh": None}), ({}, {"online": None}),
        ({"soc": "50"}, {"online": True, "soh": 90, "reserve": 20, "capacity": 9000, "stored": 4500}),
        device={"capacity": "10 kWh"}),
    Row("wildcards", {"state_of_charge": on("+/soc/#")}, NOTHING,
        ({"one/soc": "10", "two/soc/x/y": "20"}, {"soc": 20}), ({"one/soc": "11", "three/volts": "99"}, {"soc": 11})),
    # ---- how old it is ----
    Row("retained ignored", {"state_of_charge": SOC}, ({"soc": "33"}, {"soc": None, "online": None}),
        ({"soc": "34"}, {"soc": 34, "online": True})),
    Row("retained accepted", {"state_of_charge": on("soc", retained="accept")}, ({"soc": "33"}, {"soc": 33, "online": True}),
        ({"soc": "34"}, {"soc": 34})),
    Row("retained and young", {"state_of_charge": on("m", path="/v", timestamp_path="/at")},
        ({"m": stamped(35, 60)}, {"soc": 35, "online": True})),
    Row("retained and old", {"state_of_charge": on("m", path="/v", timestamp_path="/at")},
        ({"m": stamped(36, 3600)}, {"soc": None, "online": None})),
    Row("timestamps", {"state_of_charge": on("m", path="/v", timestamp_path="/at")}, NOTHING,
        ({"m": stamped(40, 0)}, {"soc": 40}), ({"m": stamped(41, 100)}, {"soc": 40}),
        ({"m": ['{"v":42,"at":"2026-11-24T12:00:00"}', '{"v":43}', stamped(44, -3600)]}, {"soc": 40}),
        ({"m": lambda: '{"v": 45, "at": %d}' % (time.time() * 1000)}, {"soc": 45})),
    Row("availability", {"state_of_charge": SOC, **CHARGED}, ({"lwt": "up"}, {"online": True, "soc": None}),
        ({"soc": "50", "e": "5000"}, {"online": True, "soc": 50}), ({"e": "5010", "lwt": "down"}, {"online": False, **ALL_NULL}),
        ({"e": "5020", "lwt": "sideways"}, {"online": False, **ALL_NULL}),
        ({"lwt": "up"}, {"online": True, "soc": 50, "charge_wh": SUM(20)}),
        availability=on("lwt", online="up", offline="down")),
    Row("availability retained", {"state_of_charge": SOC}, ({"lwt": "offline"}, {"online": False}),
        ({"soc": "50"}, {"online": False, **ALL_NULL}), availability=on("lwt", online="online", offline="offline")),
    Row("never heard", {"state_of_charge": SOC}, ({}, {"online": None, **ALL_NULL}), NOTHING, ({}, {"online": None})),
    # ---- what follows from what ----
    Row("split", POWER, NOTHING, ({"p": "1500"}, {"charge": 1500, "discharge": 0, "discharge_wh": 0}),
        ({"p": "-700"}, {"charge": 0, "discharge": 700}), ({"p": "-0.0"}, {"charge": 0, "discharge": 0})),
    Row("home", {**POWER, "grid_power": on("g", positive="import"), "solar_power": on("pv")}, NOTHING,
        ({"p": "500", "g": "200", "pv": "1000"}, {"home": 700}), ({"g": "-540"}, {"home": 0}),
        ({"g": "-700"}, {"home": None, "charge": 500, "solar": 1000}), ({"g": "0", "pv": "unknown"}, {"home": None, "solar": None})),
    Row("home without sun", {**POWER, "grid_power": on("g", positive="export")}, NOTHING,
        ({"p": "-900", "g": "100"}, {"home": 800, "solar": None})),
    Row("stored", {"state_of_charge": SOC, "state_of_health": on("soh"), "stored_energy": on("kwh", unit="kWh")}, NOTHING,
        ({"soc": "50", "soh": "80", "kwh": "4.2"}, {"capacity": 8000, "stored": 4200}), ({"soh": "null"}, {"capacity": None}),
        device={"capacity": "10 kWh"}),
    # ---- counters ----
    Row("dip", CHARGED, NOTHING, ({"e": "5000"}, {"charge_wh": None}), ({"e": "4990"}, {"charge_wh": 0}),
        ({"e": "5010"}, {"charge_wh": SUM(10)}), device=FIVE),
    Row("transient zero", CHARGED, NOTHING, ({"e": "5000"}, {}), ({"e": "0"}, {"charge_wh": 0}),
        ({"e": "5010"}, {"charge_wh": SUM(10)}), device=FIVE),
    Row("spike", CHARGED, NOTHING, ({"e": "5000"}, {}), ({"e": "1e9"}, {"charge_wh": 0}),
        ({"e": "5020"}, {"charge_wh": SUM(20)}), device=FIVE),
    Row("reset", CHARGED, NOTHING, ({"e": "5000"}, {}), ({"e": "3"}, {"charge_wh": 0}), ({"e": "10"}, {"charge_wh": SUM(10)}),
        ({"e": "12"}, {"charge_wh": SUM(12)}), device=FIVE),
    Row("new meter", CHARGED, NOTHING, ({"e": "5000"}, {}), ({"e": "90000"}, {"charge_wh": 0}),
        ({"e": "90010"}, {"charge_wh": SUM(10)}), device=FIVE),
    Row("within a round", CHARGED, NOTHING, ({"e": ["5000", "4990", "5010", "0", "5015", "1e9", "5020"]}, {"charge_wh": SUM(20)}),
        device=FIVE),
    Row("readings never fall", {**CHARGED, "battery_discharge_energy": on("d", unit="kWh")}, NOTHING,
        ({"e": "5000", "d": "1"}, {"charge_wh": 5000, "discharge_wh": 1000}), ({"e": "0", "d": "0.99"}, {"charge_wh": 5000}),
        ({"e": "7", "d": "1.25"}, {"charge_wh": 5007, "discharge_wh": 1250}), ({"e": "9"}, {"charge_wh": 5009}),
        ({"e": "11", "d": "1.5"}, {"charge_wh": 5011, "discharge_wh": 1500}), ({"e": "2", "d": "1.5"}, {"charge_wh": 5011}),
        ({"e": "4"}, {"charge_wh": 5015}), device=FIVE, **COUNTER),
    # ---- over a stop and a kill ----
    Row("bridged", CHARGED, NOTHING, ({"e": "5000"}, {}), NOTHING, NOTHING, ({"e": "5100"}, {"charge_wh": SUM(100)}),
        ({"e": "5700"}, {"charge_wh": SUM(700)}), ({"e": "6100"}, {"charge_wh": SUM(1100)}),
        ({"e": "6101"}, {"charge_wh": SUM(1101)}), device=FIVE, interval="2s"),
    Row("not bridged", {"state_of_charge": SOC}, NOTHING, ({"soc": "10"}, {"soc": 10}), NOTHING, NOTHING, NOTHING,
        ({"soc": "11"}, {"soc": 11}), ({"soc": "12"}, {"soc": 12}), ({"soc": "13"}, {"soc": 13})),
    Row("long interval", {"solar_power": on("pv")}, NOTHING, ({"pv": "3600000"}, {}), interval="5min"),
    # ---- what keeps it talking, and how often its state is told ----
    Row("keepalive", {"state_of_charge": SOC}, NOTHING, *[({"soc": str(n)}, {"soc": n}) for n in range(1, 8)],
        keepalive={**on("suspend"), "payload": "[]", "every": "1s"}),
]  # fmt: skip


def config_of(broker, sim, folder):
    config = home_config(broker, sim, folder)
    marker = {"id": "marker", "telemetry": {"interval": "1s", "sources": {"state_of_charge": "marker"}}}
    devices = [r.config for r in ROWS] + [marker]
    config["sites"] = [{"id": "rows", "devices": devices}]
    return config


class Points:
    """What the bridge told of closed points, by device in the order of closing."""

    def __init__(self, mqtt):
        self.mqtt, self.place, self.of, self.told, self.lives = mqtt, mqtt.mark(), {}, {}, 1

    def new_life(self):
        """The bridge is not running: what it tells from here on, it tells after a start."""
        self.read()
        self.lives += 1

    def read(self):
        end = self.mqtt.mark()
        for message in self.mqtt.seen[self.place : end]:
            if message.topic.startswith("flip2mqtt/device/") and message.topic.endswith("/telemetry") and not message.retain:
                body = message.json()
                series = self.of.setdefault(body["point"]["device_id"], [])
                if body["point"] not in series:
                    series.append(body["point"])
                key = body["point"]["device_id"], start_of(body["point"])
                self.told.setdefault(key, []).append((self.lives, body["upload"]["state"]))
        self.place = end
        return self.of

    def wait(self, device, holds, what):
        return until(lambda: next((p for p in self.read().get(device, []) if holds(p)), None), 15, what)


def start_of(point):
    return point.get("start_time") or point["timestamp"]


def end_of(point):
    start = datetime.datetime.fromisoformat(start_of(point))
    return start + datetime.timedelta(seconds=point.get("duration_s", 0))


def publish(mqtt, row, messages, retain=False):
    for topic, payloads in messages.items():
        for payload in payloads if isinstance(payloads, list) else [payloads]:
            mqtt.client.publish(row.topic(topic), payload() if callable(payload) else payload, 1, retain)


def compare(row, number, points, at, wrong):
    """The row's point that ends there, or with a longer interval the next one."""
    expected = row.rounds[number][1]
    if not expected:
        return
    point = points.wait(row.name, lambda p: end_of(p) >= at, f"{row.name}, round {number}")
    for name, value in expected.items():
        field = NAMES[name]
        got = point[field]
        if isinstance(value, SUM):
            upto = points.of[row.name].index(point) + 1
            got = sum(p[field] or 0 for p in points.of[row.name][:upto])
        if isinstance(got, bool) or value is None or got is None or isinstance(value, str):
            same = got is value or got == value and isinstance(value, str)
        else:
            same = abs(got - value) < 1e-6
        if not same:
            wrong.append(f"{row.name}, round {number}: {name} is {got}, not {value}")


def play(mqtt, points, number, wrong):
    """All messages of a round, and the first points that say all of it."""
    if number:
        for row in ROWS:
            if number < len(row.rounds):
                publish(mqtt, row, row.rounds[number][0])
    mqtt.publish("marker", str(number + 1))
    said = NAMES["soc"]
    at = end_of(points.wait("marker", lambda p: p[said] == number + 1, f"the marker of round {number}"))
    for row in ROWS:
        if number < len(row.rounds):
            compare(row, number, points, at, wrong)


def test_what_flip_is_told(tmp_path, broker, mqtt, sim):
    with Bridge(tmp_path, config_of(broker, sim, tmp_path)) as bridge:
        assert bridge.check().returncode == 0, bridge.check().stderr
        for row in ROWS:
            publish(mqtt, row, row.rounds[0][0], retain=True)
        mqtt.subscribe("flip2mqtt/#", "keepalive/suspend")
        points, wrong = Points(mqtt), []
        bridge.start_online(mqtt)
        for number in range(ROUNDS + 1):
            if number == STOP_BEFORE:
                bridge.stop()
                time.sleep(1.5)  # what the gap lasts: longer than the shortest point
            if number == KILL_BEFORE:
                bridge.kill()
            if number in (STOP_BEFORE, KILL_BEFORE):
                points.new_life()
                bridge.start_online(mqtt)
            play(mqtt, points, number, wrong)
        bridge.stop()
        look_at_series(points.read(), wrong)
        look_at_transitions(points, wrong)
        look_at_rates(points, mqtt, wrong)
        assert not wrong, "\n".join(wrong)
        bridge.start_online(mqtt)
        in_cloud(points, sim)
        bridge.stop()


def look_at_series(points, wrong):
    """True start and duration, aligned boundaries, no overlap; holes only where nothing was there to count."""
    for row in ROWS:
        series = points[row.name]
        if row.config["telemetry"].get("endpoint") == "counter":
            for field in (NAMES["charge_wh"], NAMES["discharge_wh"]):
                readings = [p[field] for p in series if p[field] is not None]
                if readings != sorted(readings):
                    wrong.append(f"{row.name}: {field} falls: {readings}")
            continue
        length = {"1s": 1, "2s": 2, "5min": 300}[row.config["telemetry"]["interval"]]
        holes = [(a, b) for a, b in itertools.pairwise(series) if end_of(a).isoformat() != stamp(b).isoformat()]
        for a, b in holes:
            if end_of(a) > stamp(b):
                wrong.append(f"{row.name}: overlap of {start_of(a)} and {start_of(b)}")
        if row.name == "bridged" and holes:
            wrong.append(f"bridged: holes before {[start_of(b) for _, b in holes]}")
        if row.name == "not bridged" and len(holes) != 2:
            wrong.append(f"not bridged: {len(holes)} holes; a stop and a kill make 2")
        aligned = [p for p in series if end_of(p).timestamp() % length == 0]
        # The last one before the clean stop and the very last one end when they end.
        if len(series) - len(aligned) > 2:
            wrong.append(f"{row.name}: {len(series) - len(aligned)} points end off the boundary")
        if any(p["duration_s"] > 3 * length + 5 or p["duration_s"] < 1 for p in series):
            wrong.append(f"{row.name}: durations {[p['duration_s'] for p in series]}")
    look_at_partials(points["long interval"], wrong)


def stamp(point):
    return datetime.datetime.fromisoformat(start_of(point))


def look_at_partials(series, wrong):
    """An interval of 5 minutes, cut by the clean stop, by the kill (lost) and by the end: 3.6 MW is 1 kWh a second."""
    if not 2 <= len(series) <= 4:  # one more where a boundary came along
        wrong.append(f"long interval: {len(series)} points")
    first = series[0]
    energy, duration = first["solar_total_energy_wh"], first["duration_s"]
    if energy is None or not 0 < energy / 1000 <= duration + 0.01:
        wrong.append(f"long interval: {energy} Wh in {duration} s")
    if first["solar_last_power_w"] != 3600000:
        wrong.append("long interval: no last power")


def look_at_transitions(points, wrong):
    """One publish each, and only forward; what stood at the end of a life may be told anew in the next."""
    for key, told in points.told.items():
        lives = [life for life, _ in told]
        states = [state for life, state in told if life == lives[0]]
        later = [state for life, state in told if life != lives[0]]
        if states not in (["pending"], ["pending", "sent"]) or set(later) - {"pending", "sent"}:
            wrong.append(f"{key}: told as {told}")


def look_at_rates(points, mqtt, wrong):
    """device/…/state at most once in 5 s (Interface, clarification 33), at once after a start; keepalives each second."""
    series = points.of["keepalive"]
    seconds = (end_of(series[-1]) - stamp(series[0])).total_seconds()
    states = [m for m in mqtt.messages("flip2mqtt/device/keepalive/state") if not m.retain]
    if not points.lives <= len(states) <= seconds / 5 + 2 * points.lives:
        wrong.append(f"{len(states)} states in {seconds} s")
    kept = [m for m in mqtt.messages("keepalive/suspend") if m.text == "[]"]
    if not seconds / 3 < len(kept) <= seconds + 2 * points.lives:
        wrong.append(f"{len(kept)} keepalives in {seconds} s")


def in_cloud(points, sim):
    """Every point that was told arrives, as it was told."""
    want = {(d, start_of(p)): p for d, series in points.of.items() for p in series}

    def arrived():
        return {(p["device_id"], start_of(p)): p for p in sim.points()}

    there = until(lambda: (got := arrived()).keys() >= want.keys() and got, 20, "every point in the cloud", 0.2)
    for key, point in want.items():
        assert {name: there[key][name] for name in point} == point
    stats = sim.stats()
    for bad in ("rejected", "conflicts", "overlaps", "counter_decreases"):
        assert stats[bad] == 0, (stats, sim.problems())
    print(f"{len(ROWS)} batteries, {len(want)} points")
