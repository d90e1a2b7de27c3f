"""Who answers is not who the certificate has to prove, for Flip's cloud and for the broker; and names that lead nowhere."""
import functools
import re
import ssl

import yaml
from harness import Authority, TlsFront, until
from harness.fleet import all_arrive
from scene import Scene

OLD = ssl.TLSVersion.TLSv1_1


NOT_TRUSTED = "certificate verify failed: it has expired, or its authority is not trusted"

# what is presented instead (front, trusted authority, folder), the cloud's reason, the broker's
BAD = {
    "expired": (
        lambda front, authority, folder: front.present(*authority.issue("late", days=-1)),
        "certificate has expired: CN = late, valid ",
        NOT_TRUSTED,
    ),
    "host": (
        lambda front, authority, folder: front.present(*authority.issue("other", "DNS:other.example")),
        "no alternative certificate subject name matches target host name 'localhost'",
        "host name verification failed",
    ),
    "unknown": (
        lambda front, authority, folder: front.present(*Authority(folder, "stranger").issue("unknown")),
        "unable to get local issuer certificate: CN = unknown, valid ",
        NOT_TRUSTED,
    ),
    "old": (
        lambda front, authority, folder: front.present(*authority.issue("old"), newest=OLD),
        "TLS: .*protocol version",
        "protocol version",
    ),
    "plain": (
        lambda front, authority, folder: front.speak_plain(),
        "TLS: .*wrong version number",
        "wrong version number: no TLS on this port",
    ),
}


def cloud(ground, kind):
    """Nothing is sent to it, not even the token; the points wait, and the reason is told with the certificate."""
    name = f"cloud-{kind}"
    present, reason, _ = BAD[kind]
    folder = ground.folder_of(f"pki-{name}")
    authority = Authority(folder)
    right = authority.issue("cloud")
    with TlsFront() as front:
        front.present(*right)

        def behind_tls(config):
            front.target = int(config["flip"]["base_url"].rpartition(":")[2])
            config["flip"].update(base_url=f"https://localhost:{front.port}", ca=str(authority.certificate))

        with Scene(name, ground, change=behind_tls) as scene:
            all_arrive(scene.sim, scene.told.pending, 60)
            present(front, authority, folder)
            requests = scene.sim.stats()["requests"]
            scene.health(lambda h: h["outbox"]["pending"] and re.search(reason, h["last_error"] or ""), reason)
            assert scene.sim.stats()["requests"] == requests, "sent to whoever it was"
            front.present(*right)
            scene.more(1)
            scene.ends_well()


def broker(ground, kind):
    """The same for the broker: uploads go on, and it connects again by itself."""
    name = f"broker-{kind}"
    present, _, reason = BAD[kind]
    folder = ground.folder_of(f"pki-{name}")
    authority = Authority(folder)
    right = authority.issue("broker")
    with TlsFront(ground.broker.port) as front:
        front.present(*right)

        def behind_tls(config):
            config["mqtt"].update(server=f"mqtts://localhost:{front.port}", ca=str(authority.certificate))

        with Scene(name, ground, change=behind_tls) as scene:
            present(front, authority, folder)
            scene.bridge.wait_log("no connection to the broker", 30)
            stored = scene.sim.stats()["stored"]
            until(lambda: scene.sim.stats()["stored"] > stored + 3, 30, "uploads that go on")
            scene.bridge.stop()
            scene.bridge.start()
            scene.bridge.wait_log(f"no connection to the broker.*{reason}", 30)
            since = scene.mqtt.mark()
            front.present(*right)
            scene.bridge.wait_online(scene.mqtt, since, 60)
            scene.more(2)
            scene.ends_well()


# ---- names ----


def cloud_without_name(ground):
    """The cloud's name leads nowhere: points wait, everything else goes on, and the right name ends it."""
    with Scene("cloud-name", ground) as scene:
        good = scene.bridge.file.read_text()
        config = yaml.safe_load(good)
        config["flip"]["base_url"] = "https://cloud.invalid"
        scene.bridge.write(config)
        scene.bridge.reload()
        scene.health(lambda h: h["outbox"]["pending"] and "cannot resolve the host name" in (h["last_error"] or ""), "the fault")
        scene.more(4)
        scene.bridge.write(good)
        scene.bridge.reload()
        scene.ends_well()


def broker_without_name(ground):
    """The broker's name leads nowhere: what waits is uploaded all the same, and the right name ends it."""
    with Scene("broker-name", ground) as scene:
        scene.sim.outage()
        scene.more(4)
        scene.bridge.stop()
        scene.sim.outage(False)
        good = scene.bridge.file.read_text()
        config = yaml.safe_load(good)
        config["mqtt"]["server"] = "mqtt://broker.invalid"
        scene.bridge.write(config)
        scene.bridge.start()
        scene.bridge.wait_log("no connection to the broker.*cannot resolve broker.invalid", 60)
        all_arrive(scene.sim, scene.told.pending, 60)
        scene.bridge.write(good)
        since = scene.mqtt.mark()
        scene.bridge.reload()
        scene.bridge.wait_online(scene.mqtt, since, 60)
        scene.more(2)
        scene.ends_well()


SCENES = {f"{whose.__name__}-{kind}": functools.partial(whose, kind=kind) for whose in (cloud, broker) for kind in BAD}
SCENES.update({"cloud-name": cloud_without_name, "broker-name": broker_without_name})
