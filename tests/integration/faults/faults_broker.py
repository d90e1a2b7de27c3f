"""The broker, the network before it, and what it brings."""
import contextlib
import dataclasses
import json
import random

from faults_config import Meter, with_meter
from harness import Broker, Chaos, Mqtt, Tag, until
from harness.fleet import Traffic, all_arrive
from scene import CANARY, DEVICES, SLOW, Scene


@contextlib.contextmanager
def own_broker(ground, name, **options):
    """A ground with a broker that only this scene breaks, and batteries that speak to it."""
    login = {"username": "test", "password": "test"} if "users" in options else {}
    with Broker(ground.folder_of(f"{name}-broker"), **options) as broker, Mqtt(broker, **login) as feeder:
        with Traffic(feeder, DEVICES, every=0.5):
            yield dataclasses.replace(ground, broker=broker, login=login)


def online_again(scene, since=None):
    """A mark of before the broker came back, where that took a while."""
    since = scene.mqtt.mark() if since is None else since
    scene.mqtt.wait_for(f"{scene.name}/bridge/state", "online", 60, since)


def retained(scene):
    """Every retained topic of the bridge's own, as a newcomer gets them: before anything that is published later."""
    with Mqtt(scene.broker, f"{scene.name}/#", f"{scene.name}-end", **scene.login) as newcomer:
        newcomer.publish(f"{scene.name}-end", "")
        newcomer.wait_for(f"{scene.name}-end")
        return {m.topic for m in newcomer.messages(f"{scene.name}/#") if m.retain and m.payload}


# ---- the connection ----


def frozen(ground):
    """TCP stands, nobody answers: found within two keepalives; uploads go on, and what a meter counted meanwhile is there."""
    with own_broker(ground, "broker-frozen") as own:
        change = with_meter("broker-frozen")
        with Scene("broker-frozen", own, change=lambda c: (change(c), c["mqtt"].update(keepalive="5s"))) as scene:
            meter = Meter(scene)
            meter.read()
            scene.more(3)
            own.broker.pause()
            stored = scene.sim.stats()["stored"]
            scene.bridge.wait_log("does not answer", 20)
            until(lambda: scene.sim.stats()["stored"] >= stored + 8, 30, "points while the broker is silent")
            meter.count += 500
            since = scene.mqtt.mark()
            own.broker.resume()
            online_again(scene, since)
            meter.read()
            meter.arrives()
            scene.ends_well()


def emptied(ground):
    """Killed amid the traffic, back without what it kept: everything retained is there again."""
    with own_broker(ground, "broker-emptied") as own, Scene("broker-emptied", own, change=with_meter("broker-emptied")) as scene:
        meter = Meter(scene)
        meter.read()
        scene.more(4)
        before = retained(scene)
        assert f"{scene.name}/device/battery-0/telemetry" in before
        for _ in range(4 if SLOW else 1):
            own.broker.kill()
            own.broker.start()
            online_again(scene)
            meter.read()
            until(lambda: retained(scene) >= before, 30, lambda: f"{before - retained(scene)} retained again", 0.5)
        meter.arrives()
        scene.ends_well()


def away(ground):
    """Nobody listens where the broker should be, at the start: what waits from before goes up without it."""
    with own_broker(ground, "broker-away") as own, Scene("broker-away", own) as scene:
        scene.sim.outage()
        scene.more(6)
        scene.bridge.stop()
        own.broker.stop()
        scene.sim.outage(False)
        scene.bridge.start()
        all_arrive(scene.sim, scene.told.pending, 60)
        own.broker.start()
        online_again(scene)
        scene.more(2)
        scene.ends_well()


def locked_out(ground):
    """The broker's password changed: told without it, not tried over and over, and right as soon as the file is."""
    secret = f"{CANARY}-password"
    with own_broker(ground, "password-changed", users={"bridge": secret, "test": "test"}) as own:
        file = own.folder / "password"
        file.write_text(secret)
        file.chmod(0o600)
        login = {"username": "bridge", "password": Tag("!file", str(file))}
        with Scene("password-changed", own, change=lambda c: c["mqtt"].update(login)) as scene:
            file.write_text(f"{CANARY}-of-yesterday")
            scene.bridge.stop()
            scene.bridge.start()
            scene.bridge.wait_log("(?i)not authori[sz]ed", 30)
            stored = scene.sim.stats()["stored"]
            until(lambda: scene.sim.stats()["stored"] >= stored + 8, 60, "points while the broker refuses the password")
            refused = [line for line in own.broker.process.lines if "not authorised" in line]
            assert len(refused) <= 2, refused
            file.write_text(secret)
            scene.bridge.reload()
            online_again(scene)
            scene.more(2)
            scene.ends_well()


def access(*denied):
    """The state of mosquitto's access control plugin: all is allowed but to subscribe to those topics."""
    rules = [{"acltype": "subscribeLiteral", "topic": topic, "priority": 0, "allow": False} for topic in denied]
    return json.dumps(
        {
            "defaultACLAccess": dict.fromkeys(("publishClientSend", "publishClientReceive", "subscribe", "unsubscribe"), True),
            "roles": [{"rolename": "all", "acls": rules}],
            "groups": [{"groupname": "all", "roles": [{"rolename": "all"}]}],
            "anonymousGroup": "all",
        }
    )


def refused(ground):
    """The broker grants every subscription but one: online, that topic named, the other batteries as ever."""
    rights = ground.folder_of("topic-refused-rights") / "rights.json"
    rights.write_text(access("battery/1/soc"))
    extra = ("plugin /usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so", f"plugin_opt_config_file {rights}")
    with own_broker(ground, "topic-refused", extra=extra) as own, Scene("topic-refused", own) as scene:
        scene.health(lambda h: any("battery/1/soc" in p for p in h["problems"]), "the refused topic")
        until(lambda: any(p["battery_last_state_of_charge_percentage"] for p in scene.sim.points("battery-0")), 30)
        assert not any(p["battery_last_state_of_charge_percentage"] for p in scene.sim.points("battery-1"))
        rights.write_text(access())
        own.broker.kill()
        own.broker.start()
        online_again(scene)
        until(lambda: any(p["battery_last_state_of_charge_percentage"] for p in scene.sim.points("battery-1")), 60)
        scene.ends_well()


def chaos(ground):
    """The network to the broker and to the cloud delays, splits and resets at random."""
    seed = random.randrange(1 << 32)
    print(f"network-chaos: seed {seed}")
    proxies = []

    def between(config):
        broker, cloud = ground.broker.port, int(config["flip"]["base_url"].rpartition(":")[2])
        # the third short connection to the broker within a minute looks like another client with this id
        proxies.extend((Chaos(broker, seed, 0.02, None if SLOW else 2), Chaos(cloud, seed, 0.1)))
        config["mqtt"]["server"] = f"mqtt://127.0.0.1:{proxies[0].port}"
        config["flip"]["base_url"] = f"http://127.0.0.1:{proxies[1].port}"

    with Scene("network-chaos", ground, change=between) as scene, proxies[0], proxies[1]:
        broker, cloud = (40, 200) if SLOW else (2, 4)
        until(lambda: proxies[0].resets >= broker and proxies[1].resets >= cloud, 1800, lambda: f"seed {seed}: too few resets", 0.2)
        for proxy in proxies:
            proxy.calm()
        scene.more(4)
        scene.ends_well()


# ---- what it brings ----

ILL = {
    "nothing": b"",
    "half of it": b'{"v": 1',
    "a NUL within": b'{"v": 1\0}',
    "a NUL behind": b'{"v": 1}\0',
    "no UTF-8": b'{"v": 1, "n": "\xff\xfe"}',
    "two texts": b'{"v": 1}{"v": 2}',
    "beyond a double": b'{"v": 1e999}',
    "NaN": b'{"v": NaN}',
    "Infinity": b'{"v": -Infinity}',
    "hexadecimal": b'{"v": "0x10"}',
    "a list": b'{"v": [1]}',
    "no such member": b'{"w": 1}',
    "too deep": b'{"v": ' + b"[" * 10000 + b"]" * 10000 + b"}",
    "too wide": b'{"v": ' + b"9" * 100000 + b"}",
    "a surrogate alone": b'{"v": 1, "n": "\\ud800"}',
    "words": b"hello",
}


def with_odd(name, topic=""):
    """The first battery has a source more."""

    def change(config):
        sources = config["sites"][0]["devices"][0]["telemetry"]["sources"]
        sources["grid_power"] = {"topic": topic or f"{name}-odd", "path": "/v", "unit": "W", "positive": "import"}

    return change


def grid_power(scene, value):
    """Until device/…/state has this value, and thinks it fresh."""
    topic = f"{scene.name}/device/battery-0/state"
    return scene.mqtt.wait_for(topic, lambda m: m.json()["grid_power"] | {"value": value, "fresh": True} == m.json()["grid_power"], 30)


def malformed(ground):
    """Payloads that are none of what was agreed: counted, told once, and the former value holds."""
    with Scene("payload-ill", ground, change=with_odd("payload-ill")) as scene:
        scene.mqtt.publish("payload-ill-odd", {"v": 17})
        grid_power(scene, 17)
        before = scene.health(lambda h: True, "anything")["counters"]["invalid"]
        for _ in range(20):
            for payload in ILL.values():
                scene.mqtt.publish("payload-ill-odd", payload)
        lines = [line for line in scene.bridge.process.lines if "payload-ill-odd" in line]
        assert len(lines) <= len(ILL), lines
        assert max(map(len, lines), default=0) < 1000, "a payload in full length in the log"
        wrong = 20 * (len(ILL) - 2)  # an empty payload and a missing member are no data, but not wrong
        scene.health(lambda h: h["counters"]["invalid"] - before >= wrong, "what was invalid")
        scene.mqtt.publish("payload-ill-odd", {"v": 18})
        grid_power(scene, 18)
        scene.ends_well()


def huge(ground):
    """A payload of 1 MiB and more never gets in; those below it are read, or refused, and gone."""
    with Scene("payload-huge", ground, change=with_odd("payload-huge")) as scene:
        scene.mqtt.publish("payload-huge-odd", {"v": 1})
        grid_power(scene, 1)
        start = memory(scene)
        for size in (1 << 18, (1 << 20) - 100, 1 << 21, 1 << 24):
            for _ in range(4):
                scene.mqtt.publish("payload-huge-odd", b'{"v": 2, "x": "' + b"x" * size + b'"}')
        scene.mqtt.publish("payload-huge-odd", {"v": 3})
        grid_power(scene, 3)
        grown = memory(scene) - start
        assert grown < 24 << 10, f"{grown} KiB more than before"
        scene.ends_well()


def flood(ground):
    """Twenty thousand messages at once on a wildcard that no two of them share: bounded, and nobody waits for it."""
    with Scene("flood", ground, change=with_odd("flood", "flood-odd/+/v")) as scene:
        scene.mqtt.publish("flood-odd/first/v", {"v": 0})
        grid_power(scene, 0)
        start = memory(scene)
        for n in range(20000):
            scene.mqtt.client.publish(f"flood-odd/{n}/v", json.dumps({"v": n}), qos=0)
        scene.mqtt.publish("flood-odd/last/v", {"v": 31})
        grid_power(scene, 31)
        scene.more(3)
        grown = memory(scene) - start
        assert grown < 24 << 10, f"{grown} KiB more than before"
        scene.ends_well()


def memory(scene):
    """Resident, in KiB."""
    with open(f"/proc/{scene.bridge.process.child.pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


SCENES = {
    "broker-frozen": frozen,
    "broker-emptied": emptied,
    "broker-away": away,
    "password-changed": locked_out,
    "topic-refused": refused,
    "network-chaos": chaos,
    "payload-ill": malformed,
    "payload-huge": huge,
    "flood": flood,
}
