"""A thousand webhooks at once, most of them genuine: each genuine one is told once, and the others do no harm."""
import asyncio
import collections
import resource

import pytest
from harness import Bridge, FlipSim, Mqtt, free_port, home_config, until
from sender import PATH, SECRET, deliver, envelope, headers, once, request, slow

NOTIFICATION = "flip2mqtt/site/home-1/notification"
GENUINE, REPLAYED = 600, 110  # the replayed ones are among the genuine ones
SLOW = 100  # more than there are connections, and each comes again as soon as it is hung up on


@pytest.fixture
def port():
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    return free_port()


@pytest.fixture
def sim(tmp_path):
    with FlipSim(tmp_path, seed={"sites": [{"id": "home-1"}]}) as sim:
        yield sim


@pytest.fixture
def bridge(tmp_path, broker, sim, port):
    config = home_config(broker, sim, tmp_path)
    config["flip"]["poll"] = dict.fromkeys(("commands", "events", "enrollments", "programs", "site"), "1h")
    config["http"] = {"listen": f"127.0.0.1:{port}", "webhook": {"path": PATH, "secret": SECRET}}
    with Bridge(tmp_path, config) as bridge:
        yield bridge


def told(mqtt, since=0):
    return [m.json()["event_object"]["id"] for m in mqtt.messages(NOTIFICATION, since)]


async def slow_ones(port, drip, over):
    borne = []
    while not over.is_set():
        borne.append(await slow(port, drip))
    return borne


def ill(port):
    """{what is wrong: (the deliveries, the only statuses that they may get)}; 0 is a connection that was dropped."""
    body, large, foreign = envelope("never"), envelope("never", text="x" * (1 << 20)), b'{"event_type":1}'
    other = "whsec_" + SECRET[6:][::-1].replace("=", "A")
    return {
        "forged": ([once(port, request(body, headers(f"f{n}", body, secret=other))) for n in range(60)], {401}),
        "tampered": ([once(port, request(body.replace(b"never", b"truly"), headers(f"t{n}", body))) for n in range(20)], {401}),
        "old": ([once(port, request(body, headers(f"o{n}", body, age=3600))) for n in range(30)], {401}),
        "of tomorrow": ([once(port, request(body, headers(f"y{n}", body, age=-3600))) for n in range(10)], {401}),
        "unsigned": ([once(port, request(body, {"Webhook-Id": f"u{n}"})) for n in range(30)], {400}),
        "no envelope": ([once(port, request(foreign, headers(f"m{n}", foreign))) for n in range(20)], {400}),
        "too large": ([once(port, request(large, headers(f"l{n}", large))) for n in range(10)], {413}),
        "elsewhere": ([once(port, request(body, headers(f"e{n}", body), "/webhook")) for n in range(10)], {404}),
    }


def test_a_thousand_at_once(bridge, mqtt, sim, port):
    mqtt.subscribe("flip2mqtt/#")
    bridge.start_online(mqtt)
    mqtt.wait_for("flip2mqtt/site/home-1/event")  # nothing: the baseline is taken
    bodies = {f"e{n}": envelope(f"e{n}") for n in range(GENUINE)}
    drip = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n".encode()

    async def flood():
        genuine = [deliver(port, name, body) for name, body in bodies.items()]
        replayed = [deliver(port, name, bodies[name]) for name in list(bodies)[:REPLAYED]]
        over = asyncio.Event()
        slowly = asyncio.gather(*(slow_ones(port, drip, over) for _ in range(SLOW)))
        wrong = {kind: (asyncio.gather(*jobs), statuses) for kind, (jobs, statuses) in ill(port).items()}
        good = await asyncio.gather(*genuine, *replayed)
        got = {kind: (await jobs, statuses) for kind, (jobs, statuses) in wrong.items()}
        over.set()
        return good, [seconds for times in await slowly for seconds in times], got

    good, borne, wrong = asyncio.run(flood())
    assert len(good) + SLOW + sum(len(got) for got, _ in wrong.values()) == 1000
    attempts = collections.Counter(attempt for _, attempt in good)
    assert {status for status, _ in good} == {204}, collections.Counter(good)
    for kind, (got, statuses) in wrong.items():
        assert set(got) <= statuses | {0, 503}, (kind, collections.Counter(got))
    assert set().union(*(got for got, _ in wrong.values())) >= {400, 401, 404, 413}
    assert max(borne) < 10, borne
    until(lambda: len(told(mqtt)) >= GENUINE, 20, lambda: f"{GENUINE} notifications; {len(told(mqtt))}")
    mqtt.wait_for("flip2mqtt/site/home-1/events", lambda m: len(m.json()) == GENUINE, 20)
    assert sorted(told(mqtt)) == sorted(bodies)
    print(f"attempts needed: {dict(attempts)}; {len(borne)} slow ones, borne for {max(borne):.1f} s at most")
    # A restart tells nothing again, and remembers what it has seen.
    since = mqtt.mark()
    bridge.stop()
    bridge.start()
    mqtt.wait_for("flip2mqtt/site/home-1/event", since=since)
    assert asyncio.run(deliver(port, "e5", bodies["e5"])) == (204, 1)
    assert asyncio.run(deliver(port, "later", envelope("later"))) == (204, 1)
    mqtt.wait_for(NOTIFICATION, since=since)
    assert told(mqtt, since) == ["later"]


def test_204_means_on_disk(bridge, broker, mqtt, sim, port):
    mqtt.subscribe("flip2mqtt/#")
    bridge.start_online(mqtt)
    mqtt.wait_for("flip2mqtt/site/home-1/event")
    broker.stop()
    names = [f"e{n}" for n in range(40)]

    async def send():
        return await asyncio.gather(*(deliver(port, name, envelope(name)) for name in names))

    assert {status for status, _ in asyncio.run(send())} == {204}
    bridge.kill()
    broker.start()
    with Mqtt(broker, "flip2mqtt/#") as later:
        bridge.start()
        until(lambda: len(told(later)) >= len(names), 20, lambda: f"{len(names)} notifications; {told(later)}")
        assert sorted(told(later)) == sorted(names)
