"""Webhooks come signed as Standard Webhooks says, with the eleven types, and are delivered again until accepted."""
import base64
import hashlib
import hmac
import http.server
import json
import threading
import time

import pytest
from simulator import wait_for

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps what comes; answers the statuses given, then 204."""

    def __init__(self):
        self.got = []
        self.statuses = []
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/hook"

    def types(self):
        return [json.loads(body)["event_type"] for _, body in self.got]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.headers, body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 204)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    server = Receiver()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def hooked(start, receiver):
    sim = start("--webhook-url", receiver.url, "--webhook-secret", SECRET, "--webhook-retry", "0",
                "--enrollment-delay", "0")
    sim.commission()
    return sim


def test_the_signature_covers_id_time_and_body(hooked, receiver):
    hooked.control("POST", "settings", {"id": "r1", "device_id": "d1"})
    headers, body = wait_for(lambda: receiver.got)[0]
    signed = f"{headers['Webhook-Id']}.{headers['Webhook-Timestamp']}.".encode() + body
    digest = hmac.new(base64.b64decode(SECRET[6:]), signed, hashlib.sha256).digest()
    assert headers["Webhook-Signature"] == "v1," + base64.b64encode(digest).decode()
    assert abs(time.time() - int(headers["Webhook-Timestamp"])) < 5
    assert headers["Content-Type"] == "application/json"
    event = json.loads(body)
    assert set(event) == {"event_type", "event_object", "timestamp"} and event["event_type"] == "settings.apply"
    assert event["event_object"]["object_type"] == "settings_request" and event["event_object"]["id"] == "r1"


def test_all_eleven_types(hooked, receiver):
    sim = hooked
    event = sim.control("POST", "event", {"site_id": "s1", "starts_in_s": -1, "duration_s": 1.8, "mode": "DISCHARGE"})
    sim.control("PATCH", "event/" + event["id"], {"extra": {"note": "x"}})
    later = sim.control("POST", "event", {"site_id": "s1", "starts_in_s": 600, "mode": "CHARGE"})
    sim.control("PATCH", "event/" + later["id"], {"is_participating": False})
    sim.control("PATCH", "event/" + later["id"], {"is_participating": True})
    sim.control("PATCH", "event/" + later["id"], {"status": "CANCELED"})
    program = sim.send("GET", "/v1/programs").json[0]["id"]
    sim.send("POST", "/v1/site/s1/enrollments", {"device_ids": ["d1"], "program_id": program,
                                                 "enroll_method": "USER_ACTION"}, token=sim.site_token())
    sim.control("POST", "settings", {"x": 1})
    everything = {"event.created", "event.updated", "event.canceled", "command.created", "command.started",
                  "command.ended", "command.canceled", "command.updated", "enrollment.created", "enrollment.updated",
                  "settings.apply"}
    wait_for(lambda: set(receiver.types()) == everything)
    for _, body in list(receiver.got):
        webhook = json.loads(body)
        kind = webhook["event_type"].split(".")[0]
        assert webhook["event_object"]["object_type"] == {"settings": "settings_request"}.get(kind, kind)
    ids = [headers["Webhook-Id"] for headers, _ in receiver.got]
    assert len(ids) == len(set(ids))


def test_delivered_again_under_the_same_id(hooked, receiver):
    receiver.statuses = [500, 302, 404]
    hooked.control("POST", "settings", {"x": 1})
    wait_for(lambda: hooked.control("GET", "webhooks")["delivered"] == 1)
    assert len(receiver.got) == 4 and len({headers["Webhook-Id"] for headers, _ in receiver.got}) == 1
    [delivery] = hooked.control("GET", "webhooks")["deliveries"]
    assert (delivery["state"], delivery["attempts"], delivery["last_status"]) == ("delivered", 4, 204)


def test_four_redeliveries_and_no_more(hooked, receiver):
    receiver.statuses = [500] * 10
    hooked.control("POST", "settings", {"x": 1})
    wait_for(lambda: hooked.control("GET", "webhooks")["failed"] == 1)
    assert len(receiver.got) == 5


def test_the_receiver_can_be_named_later(start, receiver):
    sim = start()
    sim.control("POST", "settings", {"x": "nobody listens yet"})
    sim.control("POST", "webhook", {"url": receiver.url, "secret": SECRET, "retry_s": 0})
    sim.control("POST", "webhook/send", {"event_type": "command.created", "event_object": {"id": "made up"}})
    wait_for(lambda: receiver.types() == ["command.created"])
    assert sim.send("POST", "/sim/webhook", {"secret": "whsec_***"}).status == 422
    sim.control("POST", "webhook", {"url": None})
    sim.control("POST", "settings", {"x": 2})
    assert len(sim.control("GET", "webhooks")["deliveries"]) == 1
