"""Every sample of a real battery, over a real broker, gives exactly its numbers in Flip's cloud."""
import json

import paho.mqtt.client as paho
import pytest
import yaml
from harness import Bridge, home_config, until
from harness.binaries import ROOT

FOLDER = ROOT / "tests" / "fixtures" / "samples"
SAME_LINES = {"victron-discharge-product": "victron-discharge-no-power"}  # the .yaml of one maps the .jsonl of the other

# What Flip is told under which name. The counters' own readings go to the counter endpoint only.
LAST = {
    "state_of_charge": "battery_last_state_of_charge_percentage",
    "battery_charge_power": "battery_last_power_charge_w",
    "battery_discharge_power": "battery_last_power_discharge_w",
    "solar_power": "solar_last_power_w",
    "home_power": "home_last_power_w",
    "stored_energy": "battery_last_stored_energy_wh",
    "backup_reserve": "battery_last_backup_reserve_percentage",
    "grid_online": "last_is_grid_online",
}
TOTAL = {
    "battery_charge_energy": "battery_total_energy_charge_wh",
    "battery_discharge_energy": "battery_total_energy_discharge_wh",
    "solar_energy": "solar_total_energy_wh",
    "home_energy": "home_total_energy_wh",
}
POWER_OF = {
    "battery_charge_energy": "battery_charge_power",
    "battery_discharge_energy": "battery_discharge_power",
    "solar_energy": "solar_power",
    "home_energy": "home_power",
    "grid_import_energy": "grid_import_power",
    "grid_export_energy": "grid_export_power",
}

CLOCK = 0.002  # of 1 s: clocks are read in whole milliseconds; what one interval gains, the next one lacks


class Sample:
    def __init__(self, name):
        self.name = name
        self.lines = [json.loads(x) for x in (FOLDER / f"{SAME_LINES.get(name, name)}.jsonl").read_text().splitlines()]
        self.device = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())["sites"][0]["devices"][0]
        self.expected = json.loads((FOLDER / f"{name}.expected.json").read_text())
        self.filters = set(self._filters(self.device["telemetry"]["sources"]))
        self.topics = {line["topic"] for line in self.lines}

    def _filters(self, node):
        if isinstance(node, list):
            for part in node:
                yield from self._filters(part)
        elif isinstance(node, dict):
            if isinstance(node.get("topic"), str):
                yield node["topic"]
            for key, part in node.items():
                if isinstance(part, (dict, list)):
                    yield from self._filters(part)
                elif key not in ("topic", "path", "unit", "positive", "const") and isinstance(part, str):
                    yield part  # a source that is a bare topic

    def clashes(self, other):
        if self.lines == other.lines:
            return False
        pairs = ((self.filters, other.topics), (other.filters, self.topics))
        return any(paho.topic_matches_sub(f, t) for filters, topics in pairs for f in filters for t in topics)

    def has(self, source):
        """Whether the source is mapped, a power perhaps as one direction of a signed one."""
        sources = self.device["telemetry"]["sources"]
        signed = {"battery_charge_power": "battery_power", "battery_discharge_power": "battery_power"}
        signed.update(grid_import_power="grid_power", grid_export_power="grid_power")
        return source in sources or signed.get(source) in sources

    def device_for(self, endpoint):
        telemetry = {**self.device["telemetry"], "endpoint": endpoint, "interval": "1s"}
        return {**self.device, "id": f"{self.name}-{endpoint}", "telemetry": telemetry}


def groups():
    """As few groups as possible in which no sample's messages reach another sample's sources."""
    found = []
    for path in sorted(FOLDER.glob("*.expected.json")):
        sample = Sample(path.name.removesuffix(".expected.json"))
        group = next((g for g in found if not any(sample.clashes(s) for s in g)), None)
        if group is None:
            found.append(group := [])
        group.append(sample)
    return found


GROUPS = groups()


def config_of(group, broker, sim, folder):
    config = home_config(broker, sim, folder)
    marker = {"id": "marker", "telemetry": {"interval": "1s", "sources": {"state_of_charge": "samples/are/over"}}}
    config["sites"] = [
        {"id": "of-intervals", "devices": [s.device_for("interval") for s in group] + [marker]},
        {"id": "of-readings", "devices": [s.device_for("counter") for s in group]},
    ]
    return config


def publish(mqtt, group):
    for lines in {id(s.topics): s.lines for s in group if s.name not in SAME_LINES}.values():
        for line in lines:
            mqtt.client.publish(line["topic"], line["payload"], 1, bool(line["retain"]))
    mqtt.publish("samples/are/over", "1")


def flow_energy(sample, counter, seconds):
    """Of an interval in which nothing changed: a counter stands still, a power flows all the time."""
    value = sample.expected.get(counter if sample.has(counter) else POWER_OF[counter])
    if value is None:
        return None
    return 0 if sample.has(counter) else value * seconds / 3600


def home_flows(sample, of):
    """solar + import − export + discharge − charge, each as of(counter); None where one is not known."""
    terms = [of("grid_import_energy"), of("battery_discharge_energy"), of("grid_export_energy"), of("battery_charge_energy")]
    terms.append(of("solar_energy") if sample.has("solar_energy") or sample.has("solar_power") else 0)
    if None in terms:
        return None
    supply, discharge, export, charge, solar = terms
    home = solar + supply - export + discharge - charge
    return home, max(map(abs, terms))


def home_derived(sample):
    grid = any(sample.has(s) for s in ("grid_import_power", "grid_import_energy", "grid_export_energy"))
    return grid and not sample.has("home_power") and not sample.has("home_energy")


def settled_home(flows, least):
    """Below 0 by no more than the sources' error it is 0; below that they do not fit together, and nobody knows."""
    if flows is None:
        return None
    home, largest = flows
    return max(home, 0) if home >= -max(0.05 * largest, least) else None


def last_values(sample):
    expected = {field: sample.expected[source] for source, field in LAST.items() if source in sample.expected}
    if home_derived(sample):
        powers = home_flows(sample, lambda counter: sample.expected.get(POWER_OF[counter]))
        expected["home_last_power_w"] = settled_home(powers, 50)
    return expected


def interval_energies(sample, seconds):
    def of(counter):
        return flow_energy(sample, counter, seconds)

    expected = {field: of(counter) for counter, field in TOTAL.items()}
    if home_derived(sample):
        expected["home_total_energy_wh"] = settled_home(home_flows(sample, of), 50 * seconds / 3600)
    return expected


def counter_readings(sample):
    expected = {field: sample.expected.get(counter) for counter, field in TOTAL.items()}
    if home_derived(sample):
        home = home_flows(sample, lambda counter: sample.expected.get(counter) if sample.has(counter) else None)
        expected["home_total_energy_wh"] = home and max(home[0], 0)
    return expected


def same(got, expected, part=0.0):
    """As it stands, to a millionth as the bridge rounds; `part` more where time was measured."""
    if isinstance(got, (bool, type(None))) or isinstance(expected, (bool, type(None))):
        return got is expected
    return abs(got - expected) <= 1e-6 + part * abs(expected)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: f"{len(group)} samples from {group[0].name}")
def test_every_sample_gives_its_numbers_in_the_cloud(tmp_path, broker, mqtt, sim, group):
    with Bridge(tmp_path, config_of(group, broker, sim, tmp_path)) as bridge:
        mqtt.subscribe("flip2mqtt/device/+/state")
        bridge.start_online(mqtt)
        since = mqtt.mark()
        publish(mqtt, group)
        heard = "battery_last_state_of_charge_percentage"
        first = until(lambda: next((p for p in sim.points("marker") if p[heard] == 1), None), 15, "the marker's point")
        # All that was published before the marker is in the points of that moment; the next one is a whole interval.
        after = until(lambda: next((p for p in sim.points("marker") if p["start_time"] > first["start_time"]), None))
        wrong, compared = [], 0

        def check(sample, what, got, expected, part=0.0):
            nonlocal compared
            compared += 1
            if not same(got, expected, part):
                wrong.append(f"{sample.name}: {what} is {got}, not {expected}")

        def point(device, key, value):
            return until(lambda: next((p for p in sim.points(device) if p[key] == value), None), 10, f"{device} {value}")

        for sample in group:
            interval = point(f"{sample.name}-interval", "start_time", after["start_time"])
            reading = point(f"{sample.name}-counter", "timestamp", after["start_time"])
            assert after["duration_s"] == 1 and interval["duration_s"] == 1
            for field, value in last_values(sample).items():
                check(sample, field, interval[field], value)
                check(sample, f"{field} beside readings", reading[field], value)
            for field, value in interval_energies(sample, 1).items():
                check(sample, f"{field} of an interval", interval[field], value, CLOCK)
            for field, value in counter_readings(sample).items():
                check(sample, f"{field} as a reading", reading[field], value)
            known = any(value is not None for value in sample.expected.values())
            check(sample, "last_is_online", interval["last_is_online"], True if known else None)
            check_grid(mqtt, since, sample, check)
        assert not wrong, "\n".join(wrong)
        stats = sim.stats()
        print(f"{len(group)} samples, {compared} numbers, {stats['stored']} points")
        assert compared > 10 * len(group)
        assert stats["rejected"] == stats["conflicts"] == stats["overlaps"] == stats["counter_decreases"] == 0, stats
        bridge.stop()


def check_grid(mqtt, since, sample, check):
    """Flip asks for nothing of the grid; device/…/state has it."""
    wanted = {s: v for s, v in sample.expected.items() if s.startswith("grid_i") or s.startswith("grid_e")}
    mapped = {s for s in wanted if sample.has(s)}
    if not mapped:
        return

    def settled(message):
        state = message.json()
        return all(state[s if s.endswith("energy") else "grid_power"]["fresh"] == (wanted[s] is not None) for s in mapped)

    state = mqtt.wait_for(f"flip2mqtt/device/{sample.name}-interval/state", settled, 15, since).json()
    for source in mapped:
        if source.endswith("energy"):
            value = state[source]["value"]
        else:
            value = state["grid_power"]["value"]
            value = None if value is None else max(value if source == "grid_import_power" else -value, 0)
        check(sample, source, value, wanted[source])
