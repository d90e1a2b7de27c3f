"""Flip's news is told once each, and the same whether webhooks, polls or both bring it."""
import base64

import pytest
from harness import Bridge, FlipSim, free_port, home_config, until

SECRET = "whsec_" + base64.b64encode(b"a secret of the tests alone").decode()
NOTIFICATION = "flip2mqtt/site/home-1/notification"


@pytest.fixture
def sim(tmp_path):
    with FlipSim(tmp_path, "--enrollment-delay", 0) as sim:
        yield sim


def home(broker, sim, folder, port, pace):
    config = home_config(broker, sim, folder)
    config["flip"]["poll"] = {"commands": pace, "events": pace, "enrollments": pace, "programs": "1h", "site": "1h"}
    config["http"] = {"listen": f"127.0.0.1:{port}", "webhook": {"path": "/webhook/flip", "secret": SECRET}}
    site = config["sites"][0]
    site.update(commission=True, can_auto_enroll=True, zip_code="88800")
    fields = {"manufacturer_name": "DeviceMaker", "product_name": "Model 1", "serial_number": "1", "install_date": "2022-02-22"}
    site["devices"][0].update(fields)
    return config


def identity(message):
    told = message.json()
    return told["event_type"], told["event_object"]["id"]


def steps(sim):
    """What happens at Flip, and how it is told; each waits for the one before."""
    enrollment = sim.state()["enrollments"][0]["id"]
    event = {"site_id": "home-1", "mode": "DISCHARGE", "power_mode": "FOLLOW_LOAD", "commands": False}
    command = {"id": "c1", "device_id": "battery-1", "mode": "STANDBY"}
    run = {**command, "id": "c2", "starts_in_s": 2, "duration_s": 2}
    yield "event.created", "e1", "POST", "event", {**event, "id": "e1", "starts_in_s": 600, "duration_s": 60}
    yield "event.updated", "e1", "PATCH", "event/e1", {"is_participating": False}
    yield "event.canceled", "e1", "PATCH", "event/e1", {"status": "CANCELED"}
    yield "command.created", "c1", "POST", "command", {**command, "starts_in_s": 600, "duration_s": 60}
    yield "command.updated", "c1", "PATCH", "command/c1", {"status": "OPT_OUT"}
    yield "command.updated", "c1", "PATCH", "command/c1", {"status": "OK"}
    yield "command.canceled", "c1", "PATCH", "command/c1", {"status": "CANCELED"}
    yield "command.created", "c2", "POST", "command", run
    yield "command.started", "c2", None, None, None
    yield "command.ended", "c2", None, None, None
    change = {"status": "NEEDS_ACTION", "status_reason": "a signature is missing"}
    yield "enrollment.updated", enrollment, "PATCH", f"enrollment/{enrollment}", change


def first_polls_are_told(mqtt, sim):
    """Of two requests the second is answered in a later turn than that which took Flip's answers."""
    until(lambda: all(sim.requests(path)["requests"] for path in ("/v1/commands", "/v1/site/home-1/enrollments")), 20)
    mqtt.wait_for("flip2mqtt/bridge/state", "online", 20)
    for _ in range(2):
        mqtt.request("outbox/stats")


@pytest.mark.parametrize("channel", ["webhook", "poll", "both"])
def test_every_channel_tells_the_same_once(tmp_path, broker, sim, mqtt, channel):
    port = free_port()
    mqtt.subscribe("flip2mqtt/#")
    with Bridge(tmp_path, home(broker, sim, tmp_path, port, "1h" if channel == "webhook" else "1s")) as bridge:
        bridge.start()
        mqtt.wait_for(NOTIFICATION, lambda m: m.json()["event_type"] == "enrollment.created", timeout=20)
        # The automatic enrollment goes on by itself; what counts begins after that, and after the first polls.
        until(lambda: sim.state()["enrollments"][0]["status"] == "ACTIVE", 30)
        if channel != "webhook":
            mqtt.wait_for(NOTIFICATION, lambda m: m.json()["event_type"] == "enrollment.updated", timeout=20)
        first_polls_are_told(mqtt, sim)
        if channel != "poll":
            sim.control("POST", "webhook", {"url": f"http://127.0.0.1:{port}/webhook/flip", "secret": SECRET})
        since = mqtt.mark()
        expected = []
        for kind, about, method, where, body in steps(sim):
            if method:
                sim.control(method, where, body)
            expected.append((kind, about))
            mqtt.wait_for(NOTIFICATION, lambda m, e=expected: identity(m) == e[-1] and told(mqtt, since).count(e[-1]) == e.count(e[-1]),
                          timeout=15, since=since)
        assert told(mqtt, since) == expected


def told(mqtt, since):
    return [identity(m) for m in mqtt.messages(NOTIFICATION, since=since)]
