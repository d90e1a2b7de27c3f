"""The measurements of script/bench: everything in one run on one machine, so that the ratios mean something."""
import argparse
import pathlib
import re
import statistics
import subprocess
import tempfile
import time
import urllib.request

from harness import Bridge, FlipSim, Mqtt, home_config, until
from harness.broker import BINARY
from harness.process import Process, free_port

FIVE = {
    "state_of_charge": {"topic": "bench/five", "path": "/soc"},
    "solar_power": {"topic": "bench/five", "path": "/p_pv"},
    "battery_charge_power": {"topic": "bench/five", "path": "/p_charge"},
    "battery_discharge_power": {"topic": "bench/five", "path": "/p_discharge"},
    "battery_charge_energy": {"topic": "bench/five", "path": "/e_chg_all", "unit": "kWh"},
}
ONE = {"solar_power": {"topic": "bench/one", "path": "/p_pv"}}
TICKS = 100  # of /proc/<pid>/stat in a second


class QuietBroker:
    """mosquitto without a log and without a limit of its queue: nothing is dropped before it reaches the bridge."""

    tls = None

    def __init__(self, folder):
        self.port = free_port()
        path = folder / "bench-mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", "allow_anonymous true", "persistence false", "user root"]
        lines += ["log_type error", "max_inflight_messages 100", "max_queued_messages 0"]
        path.write_text("\n".join(lines) + "\n")
        self.process = Process("broker", [BINARY, "-c", path])
        until(self._listens, what="mosquitto to listen")

    def _listens(self):
        try:
            with Mqtt(self):
                return True
        except ConnectionRefusedError:
            return False

    @property
    def url(self):
        return f"mqtt://127.0.0.1:{self.port}"


def cpu(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def metric(port, name):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        return float(re.search(rf"^flip2mqtt_{name} (\S+)", answer.read().decode(), re.M).group(1))


def spread(values, form):
    return f"{form.format(statistics.median(values))} [{form.format(min(values))} to {form.format(max(values))}]"


# ---- messages ----


def publish(tool, broker, topic, n):
    return subprocess.Popen([tool, "publish", str(broker.port), topic, str(n)])


def bare(tool, broker, n):
    """(messages a second, CPU seconds per 100,000) of a subscriber that counts and nothing else."""
    counter = subprocess.Popen([tool, "count", str(broker.port), "bench/bare", str(n)], stdout=subprocess.PIPE, text=True)
    assert counter.stdout.readline() == "ready\n"
    begin = time.monotonic()
    sender = publish(tool, broker, "bench/bare", n)
    used = float(counter.stdout.readline())
    took = time.monotonic() - begin
    assert counter.wait() == sender.wait() == 0
    return n / took, used / n * 100000


def bridged(tool, broker, bridge, port, topic, n):
    before, used = metric(port, "messages_total"), cpu(bridge.process.pid)
    begin = time.monotonic()
    sender = publish(tool, broker, topic, n)
    until(lambda: metric(port, "messages_total") - before >= n, 600, "every message", 0.02)
    took = time.monotonic() - begin
    assert sender.wait() == 0 and metric(port, "dropped_total") == 0
    return n / took, (cpu(bridge.process.pid) - used) / n * 100000


def measure_messages(tool, folder, messages, rounds):
    broker, port = QuietBroker(folder), free_port()
    with FlipSim(folder) as sim, Mqtt(broker) as mqtt:
        config = home_config(broker, sim, folder, interval="5min", http={"listen": f"127.0.0.1:{port}"})
        home = config["sites"][0]["devices"]
        home[0]["telemetry"]["sources"] = FIVE
        home.append({"id": "roof", "telemetry": {"sources": ONE}})
        with Bridge(folder, config) as bridge:
            begin = time.monotonic()
            bridge.start_online(mqtt)
            online = time.monotonic() - begin
            process = bridge.process
            idle, dirty = process.memory_kb(), process.private_dirty_kb()
            found = {"bare": [], "one": [], "five": []}
            for _ in range(rounds):
                found["bare"].append(bare(tool, broker, messages))
                found["one"].append(bridged(tool, broker, bridge, port, "bench/one", messages))
                found["five"].append(bridged(tool, broker, bridge, port, "bench/five", messages))
            loaded = process.memory_kb("VmHWM")
            bridge.stop()
    for name, form in (("bare", "bare subscriber"), ("one", "flip2mqtt, one source"), ("five", "flip2mqtt, five sources")):
        rates, used = zip(*found[name])
        print(f"{form:<26} {spread(rates, '{:,.0f}')} messages/s, {spread(used, '{:.2f}')} CPU s per 100,000")
    for name in ("one", "five"):
        ratios = [[b / a for a, b in zip(x, y)] for x, y in zip(found["bare"], found[name])]
        rate, used = ([r[i] for r in ratios] for i in (0, 1))
        print(f"P2  {name:<5} rate {spread(rate, '{:.2f}')} of the bare subscriber (bar: 0.9)")
        print(f"P1  {name:<5} CPU  {spread(used, '{:.2f}')} of the bare subscriber (bar: 1.25)")
    print(f"P5  memory {idle / 1024:.1f} MB idle, {dirty / 1024:.1f} MB of it private, {loaded / 1024:.1f} MB at most (bars: 16, 4, +6)")
    print(f"P9  start to online {online * 1000:.0f} ms (bar: 150)")


def measure_instructions(build):
    """Our own instructions per mapped message: callgrind, difference of two amounts."""

    def count(mode, n):
        tool = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
        run = subprocess.run([*tool, build / "tests/sim/count_telemetry", mode, str(n)], capture_output=True, text=True, check=True)
        return int(re.search(r"Collected : (\d+)", run.stderr).group(1))

    for mode in ("value", "five"):
        each = (count(mode, 20000) - count(mode, 10000)) / 10000
        print(f"P3  {each:,.0f} instructions per message, {'one source' if mode == 'value' else 'five sources'} (bar: 8,000)")


# ---- points ----


def measure_flash(folder, seconds=60):
    """At home a point is written, and goes when Flip has it: one battery, intervals of a second instead of five minutes, each
    uploaded by itself. The kernel counts whole pages of 4,096 bytes: what the flash sees."""
    broker = QuietBroker(folder)
    with FlipSim(folder) as sim, Mqtt(broker) as mqtt:
        config = home_config(broker, sim, folder, interval="1s")
        config["sites"][0]["devices"][0]["telemetry"]["sources"] = FIVE
        with Bridge(folder, config) as bridge:
            bridge.start_online(mqtt)
            until(lambda: sim.points(), 20, "the first point")
            first, before = sim.stats()["stored"], bridge.process.bytes_written()
            until(lambda: sim.stats()["stored"] >= first + seconds, 2 * seconds + 20, "points", 0.2)
            points, written = sim.stats()["stored"] - first, bridge.process.bytes_written() - before
            bridge.stop()
    print(f"P10 {written / points:,.0f} bytes of pages written per point at home, {points} points (bar: see docs/performance.md)")


def measure_catch_up(folder, points, devices=1000):
    """An outage fills the outbox; then how long it takes until Flip has everything, new points arriving meanwhile."""
    broker, port = QuietBroker(folder), free_port()
    with FlipSim(folder) as sim, Mqtt(broker) as mqtt:
        config = home_config(broker, sim, folder, interval="1s", http={"listen": f"127.0.0.1:{port}"})
        telemetry = {"interval": "1s", "sources": {"state_of_charge": "all/soc"}}
        config["sites"][0]["devices"] = [{"id": f"battery-{n}", "telemetry": telemetry} for n in range(devices)]
        with Bridge(folder, config) as bridge:
            bridge.start_online(mqtt)
            sim.outage()
            until(lambda: metric(port, "outbox_pending") >= points, points / devices * 3 + 60, "a backlog", 0.5)
            bridge.stop()
            sim.outage(False)
            begin = time.monotonic()
            bridge.start_online(mqtt)
            online = time.monotonic() - begin
            until(lambda: metric(port, "outbox_pending") <= 3 * devices, 600, "the outbox to be empty", 0.05)
            took, stored, used = time.monotonic() - begin, sim.stats()["stored"], cpu(bridge.process.pid)
            memory = bridge.process.memory_kb("VmHWM")
            bridge.stop()
    rate = stored / took
    print(f"P8  {stored:,} points in {took:.1f} s from the start on: {rate:,.0f} points/s")
    print(f"    {rate / devices:.0f} times the inflow of {devices} batteries at 1 point/s (bar: 20 times)")
    print(f"P4  {used / stored * 1e6:.2f} ms CPU per 1,000 points, start and bookkeeping included (bar: 2 for building and posting)")
    print(f"P9  start to online with {points:,} points waiting {online * 1000:.0f} ms; {memory / 1024:.1f} MB at most")


def machine():
    with open("/proc/cpuinfo", encoding="ascii") as f:
        model = re.search(r"model name\s*: (.*)", f.read()).group(1)
    print(f"{model}, load {pathlib.Path('/proc/loadavg').read_text().split()[0]}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--messages", type=int, default=100000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--points", type=int, default=60000)
    parser.add_argument("--only", choices=("messages", "instructions", "flash", "catch-up"), help="one of the parts")
    options = parser.parse_args()
    machine()
    parts = {
        "messages": lambda f: measure_messages(options.build / "tests/bench/bench_traffic", f, options.messages, options.rounds),
        "instructions": lambda f: measure_instructions(options.build),
        "flash": measure_flash,
        "catch-up": lambda f: measure_catch_up(f, options.points),
    }
    try:
        for name, measure in parts.items():
            if options.only in (None, name):
                with tempfile.TemporaryDirectory(prefix=f"f2m-bench-{name}-", dir=options.build) as folder:
                    measure(pathlib.Path(folder))
    finally:
        for process in reversed(Process.live):
            process.close()


if __name__ == "__main__":
    main()
