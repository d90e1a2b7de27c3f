"""/healthz and /metrics, as a monitoring system sees them."""
import asyncio
import re
import time
import urllib.error
import urllib.request

import pytest
from harness import Bridge, free_port, home_config, until
from sender import PATH, SECRET, deliver, envelope

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
NUMBER = r"[+-]?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|Inf)|NaN"


def fetch(port, path, method="GET", body=None):
    """(status, headers, text)"""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def prometheus(text):
    """{name: (type, value)} of the text format 0.0.4, read strictly: per metric HELP, TYPE and one sample, no labels."""
    assert text.endswith("\n") and "\r" not in text
    lines, found = text.split("\n")[:-1], {}
    assert len(lines) % 3 == 0
    for about, kind, sample in zip(lines[::3], lines[1::3], lines[2::3]):
        name, told = re.fullmatch(rf"# HELP ({NAME}) (\S[^\\]*)", about).groups()
        typed, form = re.fullmatch(rf"# TYPE ({NAME}) (counter|gauge)", kind).groups()
        sampled, value = re.fullmatch(rf"({NAME}) ({NUMBER})", sample).groups()
        assert name == typed == sampled and name not in found and len(told) > 10
        assert name.startswith("flip2mqtt_") and (form == "counter") == name.endswith("_total"), name
        found[name] = form, float(value)
    return found


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def bridge(tmp_path, broker, sim, port):
    hook = {"path": PATH, "secret": SECRET}
    with Bridge(tmp_path, home_config(broker, sim, tmp_path, http={"listen": f"127.0.0.1:{port}", "webhook": hook})) as bridge:
        yield bridge


def test_a_secret_is_changed_without_a_gap(bridge, mqtt, port):
    new, path = "whsec_" + SECRET[6:][::-1].replace("=", "A"), bridge.file
    text = path.read_text()
    mqtt.subscribe("flip2mqtt/#")
    bridge.start_online(mqtt)

    def accepted(name):
        """Which of the two secrets opens the door now."""
        body = envelope(name)
        return [asyncio.run(deliver(port, f"{name}-{n}", body, secret=s))[0] == 204 for n, s in enumerate((SECRET, new))]

    assert accepted("a") == [True, False]
    for n, (secrets, open_to) in enumerate(((f"[{SECRET}, {new}]", [True, True]), (new, [False, True]))):
        bridge.write(text.replace(f"secret: {SECRET}", f"secret: {secrets}"))
        bridge.reload()
        until(lambda: accepted(f"r{time.monotonic()}") == open_to, 20, f"reload {n} to count")  # noqa: B023
    bridge.stop()
    assert SECRET not in bridge.log() and new not in bridge.log()


def test_what_monitoring_sees(bridge, broker, mqtt, sim, port):
    mqtt.subscribe("flip2mqtt/#")
    bridge.start_online(mqtt)
    mqtt.publish("battery/soc", "50")
    mqtt.wait_for("flip2mqtt/device/battery-1/telemetry", lambda m: m.json()["upload"]["state"] == "sent")
    # Metrics say what bridge/health says.
    for site, name in (("home-1", "ours"), ("another", "foreign")):
        assert asyncio.run(deliver(port, name, envelope(name, site))) == (204, 1)
    assert fetch(port, PATH, "POST", b"{}")[0] == 400
    status, headers, text = fetch(port, "/metrics")
    assert status == 200 and headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    metrics = prometheus(text)
    assert sim.token not in text and SECRET not in text
    for name, value in {"webhooks": 2, "foreign_webhooks": 1, "webhooks_refused": 1, "notifications": 1}.items():
        assert metrics[f"flip2mqtt_{name}_total"] == ("counter", value), name
    assert metrics["flip2mqtt_cloud_reachable"] == ("gauge", 1) and metrics["flip2mqtt_outbox_rejected"] == ("gauge", 0)
    assert metrics["flip2mqtt_last_upload_timestamp_seconds"][1] > 1.7e9
    health = mqtt.wait_for("flip2mqtt/bridge/health", lambda m: m.json()["counters"]["foreign_webhooks"] == 1).json()
    assert {f"flip2mqtt_{name}_total" for name in health["counters"]} == {n for n, (form, _) in metrics.items() if form == "counter"}
    # Paths and methods.
    assert fetch(port, "/healthz")[::2] == (200, "ok\n") and fetch(port, "/healthz", "HEAD")[::2] == (200, "")
    for path in ("/healthz/", "/metrics/x", "/webhook", "/%2e%2e/etc/passwd", "/HEALTHZ"):
        assert fetch(port, path)[0] == 404, path
    for method, path, allow in (("POST", "/healthz", "GET, HEAD"), ("DELETE", "/metrics", "GET, HEAD"), ("GET", PATH, "POST")):
        status, headers, _ = fetch(port, path, method)
        assert (status, headers["Allow"]) == (405, allow), (method, path)
    # Live is not ready: without the broker, and without the cloud.
    assert fetch(port, "/healthz?ready")[0] == 200
    broker.stop()
    until(lambda: fetch(port, "/healthz?ready")[0] == 503, 20)
    assert fetch(port, "/healthz")[0] == 200 and prometheus(fetch(port, "/metrics")[2])
    broker.start()
    until(lambda: fetch(port, "/healthz?ready")[0] == 200, 30)
    sim.control("POST", "token", {"client": "revoke"})
    until(lambda: fetch(port, "/healthz?ready")[0] == 503, 30)
    assert prometheus(fetch(port, "/metrics")[2])["flip2mqtt_cloud_reachable"] == ("gauge", 0)
    assert fetch(port, "/healthz")[0] == 200
