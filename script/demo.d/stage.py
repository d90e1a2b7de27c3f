"""The demo's processes: a private broker, flip-sim, the bridge. All on free ports, in one temporary folder."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request

CONFIG = """\
version: 1
flip:
  base_url: http://127.0.0.1:{cloud_port}
  token: demo-token
  upload_delay: 1s
  poll: {{ commands: 2s, events: 5s }}
mqtt:
  server: mqtt://127.0.0.1:{broker_port}
storage:
  path: {folder}/flip2mqtt.db
sites:
  - id: demo-home
    devices:
      - id: garage-battery
        name: Garage battery
        capacity: 13.5 kWh
        max_charge: 5 kW
        max_discharge: 5 kW
        telemetry:
          interval: 5s
          max_age: 15s
          sources:
            state_of_charge: {{ topic: solar_assistant/total/battery_state_of_charge/state, unit: "%" }}
            battery_power: {{ topic: solar_assistant/total/battery_power/state, unit: W, positive: charging }}
            solar_power: solar_assistant/inverter_1/pv_power/state
            home_power: solar_assistant/inverter_1/load_power/state
            grid_power: {{ topic: solar_assistant/inverter_1/grid_power/state, unit: W, positive: import }}
        control:
          reserve_floor: 20 %
          modes:
            DISCHARGE:
              - {{ topic: solar_assistant/inverter_1/discharge_power/set, payload: "{{{{ setpoint_w }}}}" }}
              - topic: solar_assistant/inverter_1/work_mode_priority/set
                payload: Battery first
                confirm:
                  topic: solar_assistant/inverter_1/work_mode_priority/state
                  equals: Battery first
                  within: 10s
          restore:
            - {{ topic: solar_assistant/inverter_1/work_mode_priority/set, payload: Load first }}
"""

SEED = {
    "sites": [{"id": "demo-home", "first_name": "Ann", "state_code": "CA", "zip_code": "88800"}],
    "devices": [
        {
            "id": "garage-battery",
            "site_id": "demo-home",
            "manufacturer_name": "DeviceMaker",
            "product_name": "Model 1",
            "serial_number": "123456789",
            "type": "BATTERY",
            "install_date": "2022-02-22T00:00:00Z",
            "attributes": {
                "battery_capacity_wh": 13500,
                "battery_power_input_w": 5000,
                "battery_power_output_w": 5000,
            },
        }
    ],
}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, ready, seconds=15):
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise RuntimeError(f"{what} did not start within {seconds} s")
        time.sleep(0.05)  # the pace of polling; the deadline above decides


def listening(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Stage:
    """Starts everything in order; close() ends it in reverse and removes the folder."""

    def __init__(self, build):
        self.folder = tempfile.mkdtemp(prefix="flip2mqtt-demo-")
        self.broker_port, self.cloud_port = free_port(), free_port()
        self.processes = []
        self.logs = []
        self.build = build
        try:
            self.start_broker()
            self.start_cloud()
            self.bridge = self.start_bridge()
        except BaseException:
            self.close()
            raise

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def start(self, name, command):
        log = open(os.path.join(self.folder, name + ".log"), "wb")
        self.logs.append(log)
        # Ctrl-C goes to the demo alone; it ends the others in order.
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        self.processes.append(process)
        return process

    def start_broker(self):
        config = self.file("mosquitto.conf", f"listener {self.broker_port} 127.0.0.1\nallow_anonymous true\n")
        mosquitto = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self.start("mosquitto", [mosquitto, "-c", config])
        wait_for("mosquitto", lambda: listening(self.broker_port))

    def start_cloud(self):
        seed = self.file("seed.json", json.dumps(SEED))
        self.start(
            "flip-sim",
            [f"{self.build}/plugin/sim/flip-sim", "--listen", f"127.0.0.1:{self.cloud_port}",
             "--token", "demo-token", "--seed-file", seed],
        )
        wait_for("flip-sim", lambda: listening(self.cloud_port))

    def start_bridge(self):
        config = self.file(
            "configuration.yaml",
            CONFIG.format(cloud_port=self.cloud_port, broker_port=self.broker_port, folder=self.folder),
        )
        return self.start("flip2mqtt", [f"{self.build}/plugin/app/flip2mqtt", "-c", config, "run"])

    def cloud(self, path, body=None):
        """A call to flip-sim's control interface (docs/flip-sim.md)."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.cloud_port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def stop_bridge(self):
        """A clean stop, as systemd would do it; True where it ended with 0."""
        self.bridge.terminate()
        return self.bridge.wait(10) == 0

    def log_of(self, name):
        with open(os.path.join(self.folder, name + ".log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def close(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for log in self.logs:
            log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
