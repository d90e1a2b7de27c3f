"""What is not right is answered with an error that says what, reaches Flip not at all, and leaks nothing."""
import json

from harness import Bridge, FlipSim
from home import SITE, known, quiet

UNREADABLE = "the payload is no JSON"
ASK = "flip2mqtt/bridge/request"
GROUPS = {
    "event/update": "participation", "device/update": "device", "device/delete": "device", "site/update": "site",
    "enrollment/create": "enrollment", "enrollment/delete": "enrollment", "commission": "commission",
    "command/update": "control", "settings/update": "control", "telemetry/report": "telemetry",
    "telemetry_counter/report": "telemetry", "supplements/create": "supplements", "site_token/create": "token",
    "outbox/stats": "outbox", "outbox/retry": "outbox",
}  # fmt: skip


def start(mqtt, bridge):
    mqtt.subscribe("#")
    bridge.start_online(mqtt)
    mqtt.wait_for("flip2mqtt/site/home-1/events")  # the first polls are over
    return bridge


def calls(sim):
    return sim.requests()["totals"]["requests"]


def error(mqtt, operation, payload):
    """Asks with a payload as it is; the answer's error and transaction."""
    since = mqtt.mark()
    mqtt.publish(f"{ASK}/{operation}", payload)
    answer = mqtt.wait_for(f"flip2mqtt/bridge/response/{operation}", since=since).json()
    assert answer["status"] == "error" and answer["http_status"] is None and "data" not in answer, answer
    return answer["error"], answer["transaction"]


def test_what_is_not_allowed_names_the_key_and_its_group(tmp_path, broker, sim, mqtt):
    with Bridge(tmp_path, quiet(broker, sim, tmp_path, allow=["read"])) as bridge:
        start(mqtt, bridge)
        before = calls(sim)
        for operation, group in GROUPS.items():
            text, transaction = error(mqtt, operation, {"transaction": operation, "site_id": SITE})
            assert "requests.allow" in text and f"'{group}'" in text and transaction == operation
        assert calls(sim) == before
        assert mqtt.request("site/get", {"site_id": SITE})["status"] == "ok"


def test_what_is_wrong_is_named_and_nothing_is_sent(bridge, mqtt, sim):
    start(mqtt, bridge)
    before = calls(sim)
    for operation, payload, *words in (
        ("site/fetch", '{"transaction":1}', "unknown operation"),
        ("site/get", "{", UNREADABLE),
        ("site/get", '{"transaction":1}\x00{"site_id":"home-1"}', UNREADABLE),
        ("site/get", b"\xff\xfe", UNREADABLE),
        ("site/get", "[" * 2000, UNREADABLE),
        ("site/get", "[]", "expected an object, found an array"),
        ("site/get", '{"transaction":1}', "missing site_id"),
        ("site/get", '{"transaction":1,"site_id":""}', "site_id", "1 to 256"),
        ("site/get", '{"transaction":1,"site_id":"a\\u0000b"}', UNREADABLE, "\\u0000 is not allowed"),
        ("site/get", json.dumps({"transaction": 1, "site_id": "x" * 257}), "site_id"),
        ("site/get", '{"transaction":1,"site":"home-1"}', "site: unknown member"),
        ("site/get", '{"transaction":1,"site_id":"home-1","body":{}}', "body: site/get takes none"),
        ("site/update", '{"transaction":1,"site_id":"home-1"}', "body: expected an object"),
        ("events/get", '{"transaction":1,"site_id":"home-1","query":{"status":{}}}', "query.status"),
        ("events/get", json.dumps({"transaction": 1, "site_id": SITE, "query": {"status": "x" * 5000}}), "query", "4096"),
        ("event/get", '{"transaction":1,"site_id":"home-1"}', "missing event_id"),
        ("enrollment/create", '{"transaction":1,"site_id":"home-1","body":{}}', "body.program_id"),
    ):
        text, transaction = error(mqtt, operation, payload)
        assert all(word in text for word in words), (payload[:60], text)
        assert transaction == (None if words[0] in (UNREADABLE, "expected an object, found an array") else 1)
    assert calls(sim) == before
    # A payload beyond 1 MiB is announced to the broker as too large: it is not delivered, and nothing breaks.
    mqtt.publish(f"{ASK}/site/update", {"transaction": 2, "site_id": SITE, "body": {"city": "x" * (1 << 20)}})
    assert mqtt.request("site/get", {"site_id": SITE})["data"]["city"] is None


def test_response_topics_stay_out_of_the_house(bridge, mqtt, sim):
    start(mqtt, bridge)
    before = calls(sim)
    for topic in ("$SYS/x", "flip2mqtt/bridge/state", "flip2mqtt/device/battery-1/pause/set", "homeassistant/switch/x/config"):
        since = mqtt.mark()
        mqtt.publish(f"{ASK}/sites/get", {"transaction": topic}, response_topic=topic, correlation=b"c")
        answer = mqtt.wait_for("flip2mqtt/bridge/response/sites/get", since=since)
        assert answer.correlation == b"c" and answer.json()["transaction"] == topic
        assert f"the response topic is not allowed: {topic}" in answer.json()["error"]
    assert calls(sim) == before


def test_retained_requests_are_ignored(bridge, broker, mqtt, sim):
    mqtt.publish(f"{ASK}/supplements/create", {"body": {"n": "retained"}}, retain=True)
    mqtt.publish("flip2mqtt/device/battery-1/pause/set", "ON", retain=True)
    start(mqtt, bridge)
    assert mqtt.request("supplements/create", {"body": {"n": "live"}})["status"] == "ok"
    assert [s["n"] for s in sim.state()["supplements"]] == ["live"]
    assert mqtt.last("flip2mqtt/device/battery-1/pause").text == "OFF"


def test_collections_are_read_to_their_end(tmp_path, broker, mqtt):
    sites = [{"id": f"site {n}"} for n in range(230)]
    programs = [{"name": f"program {n}"} for n in range(120)]
    with FlipSim(tmp_path, seed=known(sites, programs)) as sim:
        with Bridge(tmp_path, quiet(broker, sim, tmp_path)) as bridge:
            start(mqtt, bridge)
            before = calls(sim)
            assert [s["id"] for s in mqtt.request("sites/get")["data"]] == [SITE, *(s["id"] for s in sites)]
            assert calls(sim) == before + 3
            battery = {"site_id": SITE, "query": {"device_type": "BATTERY"}}
            assert len(mqtt.request("programs/get", battery)["data"]) == 122
            page = mqtt.request("sites/get", {"query": {"skip": 229, "limit": 5}})["data"]
            assert [s["id"] for s in page] == ["site 228", "site 229"]
            page = mqtt.request("programs/get", {"site_id": SITE, "query": {"device_type": "BATTERY", "limit": 3}})["data"]
            assert len(page) == 3


def test_no_secret_is_told(bridge, mqtt, sim):
    """Neither by answers and errors, nor by other topics, nor in the log; but by the operation whose purpose it is."""
    mqtt.subscribe("#")
    bridge.start_online(mqtt, "--log-level", "debug")
    mqtt.wait_for("flip2mqtt/site/home-1/events")
    token = mqtt.request("site_token/create", {"site_id": SITE})["data"]["site_access_token"]
    assert {m.topic for m in mqtt.messages("#") if token in m.text} == {"flip2mqtt/bridge/response/site_token/create"}
    sim.fault(path="/v1/sites", status=403, body={"message": f"Bearer {sim.token} is not welcome"})
    answer = mqtt.request("sites/get")
    assert answer["http_status"] == 403 and "is not welcome" in answer["error"]
    mqtt.wait_for("flip2mqtt/cloud/state", "offline")
    sim.kill()
    assert mqtt.request("site/get", {"site_id": SITE})["http_status"] is None
    mqtt.wait_for("flip2mqtt/bridge/health", lambda m: m.json()["last_error"], 30)
    bridge.stop()
    assert sim.token not in bridge.log() and token not in bridge.log()
    assert not [m for m in mqtt.messages("#") if sim.token in m.text]
