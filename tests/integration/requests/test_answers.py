"""Every accepted request gets exactly one answer, whatever becomes of Flip, of the tokens and of the bridge."""
import collections
import os
import time

import pytest
from harness import FlipSim, until
from home import SITE, known

ASK, ANSWERS = "flip2mqtt/bridge/request", "flip2mqtt/bridge/response/#"
MOST = 32  # F2M_MAX_REQUESTS_IN_FLIGHT


def start(mqtt, bridge):
    mqtt.subscribe(ANSWERS, "flip2mqtt/site/home-1/events")
    bridge.start_online(mqtt)
    mqtt.wait_for("flip2mqtt/site/home-1/events")  # the first polls are over


def ask(mqtt, operation, numbers):
    """Without waiting, under transactions of their own; returns the place in the recording."""
    since = mqtt.mark()
    for n in numbers:
        mqtt.client.publish(f"{ASK}/{operation}", f'{{"transaction":{n},"site_id":"{SITE}"}}', 1)
    return since


def answers(mqtt, count, timeout=20, since=0):
    """{transaction: answer} once so many are there; each is the only one of its transaction."""

    def come():
        return len(mqtt.messages(ANSWERS, since)) >= count

    until(come, timeout, lambda: f"{count} answers; {len(mqtt.messages(ANSWERS, since))}")
    told = [m.json() for m in mqtt.messages(ANSWERS, since)]
    assert max(collections.Counter(a["transaction"] for a in told).values()) == 1
    return {a["transaction"]: a for a in told}


def test_more_than_fit_are_refused_and_the_others_answered(bridge, mqtt, sim):
    start(mqtt, bridge)
    sim.fault(path="/v1/site/", delay_ms=1500, count=8)  # as many as are in flight at once: the others queue behind
    ask(mqtt, "site/get", range(MOST + 8))
    told = answers(mqtt, MOST + 8)
    refused = [a for a in told.values() if a["status"] == "error"]
    assert len(refused) == 8 and {a["error"] for a in refused} == {f"too many requests under way ({MOST}): try again later"}
    assert {a["data"]["id"] for a in told.values() if a["status"] == "ok"} == {SITE}
    assert mqtt.request("site/get", {"site_id": SITE})["status"] == "ok"


def test_a_dead_cloud_is_an_answer_and_a_stop_too(bridge, mqtt, sim):
    start(mqtt, bridge)
    sim.outage(status=503)
    assert mqtt.request("site/get", {"site_id": SITE})["http_status"] == 503
    sim.outage()  # connections are reset
    reset = mqtt.request("commands/get")
    assert reset["status"] == "error" and reset["http_status"] is None and reset["error"]
    sim.outage(False)
    sim.fault(path="/v1/commands", stall=True)
    since = ask(mqtt, "commands/get", range(12))
    until(lambda: mqtt.request("outbox/stats")["status"] == "ok")  # they have been taken
    bridge.stop()
    told = [m.json() for m in mqtt.messages("flip2mqtt/bridge/response/commands/get", since)]
    assert sorted(a["transaction"] for a in told) == list(range(12))
    assert {a["error"] for a in told} == {"the bridge is stopping; the outcome is unknown"}


@pytest.mark.skipif(not os.environ.get("F2M_SLOW_TESTS"), reason="takes a minute: F2M_SLOW_TESTS=1")
def test_silence_is_answered_at_the_deadline(bridge, mqtt, sim):
    start(mqtt, bridge)
    sim.fault(path="/v1/commands", stall=True)
    began = time.monotonic()
    since = ask(mqtt, "commands/get", range(20))
    told = answers(mqtt, 20, 90, since)
    assert time.monotonic() - began < 75 and {a["status"] for a in told.values()} == {"error"}


class TestTokensOfTwoSeconds:
    @pytest.fixture
    def sim(self, tmp_path):
        with FlipSim(tmp_path, "--site-token-ttl", 2, seed=known()) as sim:
            yield sim

    def test_fifty_requests_over_their_expiry_all_succeed(self, bridge, mqtt, sim):
        start(mqtt, bridge)
        began, statuses = time.monotonic(), []
        while len(statuses) < 50 or time.monotonic() - began < 5:
            statuses.append(mqtt.request("site/get", {"site_id": SITE})["http_status"])
            if len(statuses) == 25:  # a burst as well, slowed down so that tokens expire in the queue
                sim.fault(path="/v1/site/", delay_ms=700, count=16)
                since = ask(mqtt, "devices/get", range(24))
                burst = answers(mqtt, 24, 30, since)
                assert {a["http_status"] for a in burst.values()} == {200}
        assert set(statuses) == {200}
        print(f"{len(statuses)} + 24 requests, {sim.state()['site_tokens_made']} site tokens")
        kinds = {(r["path"].startswith("/v1/site/"), r["token"]) for r in sim.requests()["requests"] if r["status"] == 200}
        assert kinds == {(True, "site"), (False, "client")}

    def test_a_token_that_expired_on_its_way_is_renewed_once(self, bridge, mqtt, sim):
        start(mqtt, bridge)
        sim.fault(path="/v1/site/home-1", nth=1, count=1, status=401)
        assert mqtt.request("site/get", {"site_id": SITE})["http_status"] == 200
        sim.fault(path="/v1/site/home-1", status=401, body={"message": "never"})
        answer = mqtt.request("site/get", {"site_id": SITE})
        assert (answer["http_status"], answer["error"]) == (401, "never")
        asked = [r["status"] for r in sim.requests(path="/v1/site/home-1")["requests"] if r["path"] == "/v1/site/home-1"]
        assert asked[-4:] == [401, 200, 401, 401]
