"""flip-sim as a process, with its control interface (docs/flip-sim.md)."""
import json
import urllib.error
import urllib.parse
import urllib.request

from harness.binaries import binary
from harness.process import Process

TOKEN = "sim-client-token"


class FlipSim:
    """`seed` is what it begins with ({"sites": […], …}). The port is kept over restarts; the state is not."""

    def __init__(self, folder, *options, seed=None, token=TOKEN, auto_register=True):
        self.folder, self.token, self.port = folder, token, 0
        self.options = ["--token", token, *map(str, options)]
        if auto_register:
            self.options.append("--auto-register")
        if seed is not None:
            path = folder / "flip-sim-seed.json"
            path.write_text(json.dumps(seed))
            self.options += ["--seed-file", path]
        self.process = None
        self.start()

    def start(self):
        argv = [binary("flip-sim"), "--listen", f"127.0.0.1:{self.port}", *self.options]
        self.process = Process("flip-sim", argv)
        self.port = int(self.process.wait_log(r"listening on http://127\.0\.0\.1:(\d+)").group(1))

    def stop(self):
        assert self.process.terminate() == 0, self.process.log()

    def kill(self):
        self.process.kill()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def call(self, method, path, body=None, token=None, headers=None, timeout=10):
        """(status, parsed body or None) of any request; the control interface needs no token."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=dict(headers or {}))
        if data is not None:
            request.add_header("Content-Type", "application/json")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=timeout) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        return status, json.loads(text) if text else None

    def control(self, method, where, body=None, **query):
        """A request to the control interface that must succeed."""
        query = {k: v for k, v in query.items() if v is not None}
        suffix = "?" + urllib.parse.urlencode(query) if query else ""
        status, answer = self.call(method, f"/sim/{where}{suffix}", body)
        assert status < 300, f"/sim/{where}: {status} {answer}"
        return answer

    def points(self, device=None, endpoint=None, since=None):
        """What was received and stored, in order of arrival."""
        return self.control("GET", "points", device=device, endpoint=endpoint, since=since)

    def stats(self):
        return self.control("GET", "stats")

    def state(self):
        return self.control("GET", "state")

    def requests(self, path=None, since=None):
        return self.control("GET", "requests", path=path, since=since)

    def problems(self):
        return self.control("GET", "problems")

    def fault(self, **rule):
        """Adds a rule to the fault plan: fault(path="/v1/telemetry", status=503, count=3)."""
        return self.control("POST", "fault", rule)

    def no_faults(self):
        self.control("DELETE", "fault")

    def outage(self, on=True, **how):
        """From now on nothing but resets (or a status), until outage(False)."""
        self.control("POST", "outage", {"on": on, **how})

    def close(self):
        self.process.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
