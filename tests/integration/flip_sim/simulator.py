"""Starts the built flip-sim (F2M_FLIP_SIM) on a free port and speaks HTTP to it with the standard library alone."""
import http.client
import json
import os
import subprocess
import time

CLIENT_TOKEN = "sim-client-token"


class Answer:
    def __init__(self, status, headers, raw):
        self.status = status
        self.headers = headers
        self.raw = raw

    @property
    def json(self):
        return json.loads(self.raw)


class Sim:
    """One running flip-sim."""

    def __init__(self, *options):
        self.process = subprocess.Popen(
            [os.environ["F2M_FLIP_SIM"], "--listen", "127.0.0.1:0", "--quiet", *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.banner = self.process.stdout.readline()
        self.port = int(self.banner.rsplit(":", 1)[1]) if self.banner else None

    def send(self, method, path, body=None, token=CLIENT_TOKEN, timeout=20):
        """One request on a connection of its own. body: an object, or bytes as they are."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def control(self, method, path, body=None):
        answer = self.send(method, "/sim/" + path, body, token=None)
        assert answer.status < 300, (answer.status, answer.raw)
        return answer.json if answer.raw else None

    def stats(self):
        return self.control("GET", "stats")

    def site_token(self, site="s1"):
        return self.send("POST", f"/v1/auth/site/{site}").json["site_access_token"]

    def commission(self, site="s1", devices=("d1",), **more):
        body = {"site": {"id": site, "state_code": "CA", "zip_code": "88800"},
                "devices": [device(d, site) for d in devices], **more}
        return self.send("POST", "/v1/commission", body)

    def stop(self):
        """SIGTERM; the exit code and what stood on stderr."""
        self.process.terminate()
        _, stderr = self.process.communicate(timeout=20)
        return self.process.returncode, stderr


def device(device_id, site="s1", **changes):
    return {"id": device_id, "site_id": site, "manufacturer_name": "DeviceMaker", "product_name": "Model 1",
            "serial_number": "123456789", "type": "BATTERY", "install_date": "2022-02-22",
            "attributes": {"battery_capacity_wh": 13500, "battery_power_input_w": 5000,
                           "battery_power_output_w": 5000}, **changes}


def point(device_id="d1", start="2025-01-01T00:00:00.000Z", **changes):
    """A full point: all 20 fields."""
    return {"start_time": start, "duration_s": 300, "device_id": device_id, "last_is_online": True,
            "last_mode": "SELF_CONSUMPTION", "battery_last_power_charge_w": 1200.5,
            "battery_last_power_discharge_w": 0, "battery_total_energy_charge_wh": 100.25,
            "battery_total_energy_discharge_wh": 0, "battery_last_stored_energy_wh": 6000,
            "battery_last_capacity_energy_wh": 13500, "battery_last_backup_reserve_percentage": 20,
            "battery_last_state_of_charge_percentage": 44.5, "battery_last_state_of_health_percentage": 99,
            "last_is_grid_online": True, "home_total_energy_wh": 50, "home_last_power_w": 600,
            "solar_total_energy_wh": 150, "solar_last_power_w": 1800, "oem_raw_data": None, **changes}


def reading(device_id="d1", at="2025-01-01T00:00:00.000Z", **changes):
    """A full reading for BATTERY_COUNTER."""
    full = point(device_id, **changes)
    del full["start_time"], full["duration_s"]
    full["timestamp"] = at
    return full


def locations(answer):
    assert answer.status == 422, (answer.status, answer.raw)
    for error in answer.json["detail"]:
        assert set(error) == {"loc", "msg", "type"}
    return [error["loc"] for error in answer.json["detail"]]


def wait_for(condition, seconds=15):
    """What condition() gives once it is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("it did not happen within %d s" % seconds)
