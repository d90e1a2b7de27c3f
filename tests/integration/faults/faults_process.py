"""The process and its surroundings: what it inherits, what is taken from it while it runs, and the signals it gets."""
import contextlib
import functools
import random
import resource
import signal
import socket
import time

import yaml
from faults_config import Meter, with_meter
from harness import Mqtt, free_port, until
from harness.fleet import all_arrive
from scene import SLOW, Scene

DROPPED = r"nobody read them.* count=\d+"


# ---- stderr ----


def unread(ground):
    """Nobody reads the log, and its pipe is full: nothing waits for it, and the lines that were dropped are told once."""
    with Scene("log-unread", ground, unread=True) as scene:
        scene.sim.outage()
        scene.mqtt.wait_for("log-unread/cloud/state", "offline", 60)
        scene.sim.outage(False)
        scene.more(3)
        scene.bridge.process.listen()
        scene.bridge.reload()  # has something to say
        scene.bridge.wait_log(DROPPED, 30)
        scene.bridge.wait_log("configuration is in force", 30)
        scene.ends_well()
        told = [line for line in scene.bridge.process.lines if "nobody read them" in line]
        assert len(told) == 1, told


def deaf(ground):
    """The reader of the log is gone (EPIPE, SIGPIPE)."""
    with Scene("log-gone", ground, unread=True) as scene:
        scene.bridge.process.deafen()
        scene.bridge.reload()
        scene.more(3)
        scene.bridge.stop()
        scene.start()
        scene.ends_well()


def no_descriptors(ground):
    """Started with stdin, stdout and stderr closed: whatever is opened first does not become the log."""
    with Scene("log-closed", ground, under=("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh")) as scene:
        scene.bridge.reload()
        scene.more(3)
        scene.bridge.stop()
        for file in scene.folder.glob("flip2mqtt.db*"):
            assert b"msg=" not in file.read_bytes(), f"the log went into {file}"
        scene.start()
        scene.ends_well()


# ---- limits ----


def few_descriptors(ground):
    """RLIMIT_NOFILE: too few is refused with a reason and a code, at whatever number; a low soft limit is raised."""
    with Scene("few-descriptors", ground, under=("prlimit", "--nofile=12:64")) as scene:
        scene.bridge.wait_log("limit of open files is low.* limit=64", 10)
        scene.bridge.stop()
        for limit in (5, 12, 16, 31):
            scene.bridge.start(under=("prlimit", f"--nofile={limit}"))
            assert scene.bridge.process.wait(30) == 71, scene.bridge.log()
            assert scene.bridge.process.find(f"limit of open files is low.* limit={limit} "), scene.bridge.log()
        scene.start(under=("prlimit", "--nofile=32"))
        scene.ends_well()


def no_thread(ground):
    """A thread cannot be had at the start, for want of memory: 71, after which systemd starts it again, and not 78."""
    with Scene("no-thread", ground) as scene:
        scene.bridge.stop()
        scene.bridge.start(under=("prlimit", f"--stack={1 << 45}"))  # so much each thread would get
        assert scene.bridge.process.wait(30) == 71, scene.bridge.log()
        assert scene.bridge.process.find("cannot start a thread"), scene.bridge.log()
        scene.start()
        scene.ends_well()


def ask(port, request=b"GET /healthz HTTP/1.0\r\n\r\n"):
    """A connection to the listener, with a request on its way."""
    client = socket.create_connection(("127.0.0.1", port), 20)
    client.sendall(request)
    return client


def status_of(client):
    """The status of the answer; 0 where the connection is just closed."""
    with client:
        try:
            return int(client.recv(4096)[9:12] or 0)
        except ConnectionError:
            return 0


def no_more_descriptors(ground):
    """None can be opened any more while it runs: what needs one waits, without spinning, and is tried again."""
    port = free_port()
    with Scene("no-more-descriptors", ground, change=lambda c: c.update(http={"listen": f"127.0.0.1:{port}"})) as scene:
        process = scene.bridge.process
        scene.sim.outage()  # its connections are gone
        process.limit(resource.RLIMIT_NOFILE, 8)
        scene.health(lambda h: h["outbox"]["pending"] and "oo many open files" in (h["last_error"] or ""), "the fault")
        waiting = ask(port)  # the kernel has taken it, nobody else can
        before = process.cpu_s()
        scene.more(8)
        assert process.cpu_s() - before < 2, "four seconds, and most of them busy"
        scene.sim.outage(False)
        Mqtt(ground.broker, client_id=scene.client_id()).close()  # and the broker's is gone
        scene.bridge.wait_log("no connection to the broker", 30)
        process.limit(resource.RLIMIT_NOFILE)
        assert status_of(waiting) == 200
        scene.more(2)
        scene.ends_well()


def listener(ground):
    """More idle connections than there may be, requests without end, and no HTTP at all: points go on, and the
    next one is answered."""
    port = free_port()
    with Scene("listener", ground, change=lambda c: c.update(http={"listen": f"127.0.0.1:{port}"})) as scene:
        with contextlib.ExitStack() as stack:
            for _ in range(300):
                stack.enter_context(ask(port, b"GET /heal"))
            scene.more(4)
            assert status_of(ask(port)) == 200
        for request in (b"GET /" + b"x" * (1 << 20), b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 100000, bytes(range(256)) * 4096):
            with contextlib.suppress(ConnectionError):
                assert status_of(ask(port, request)) in (0, 400, 413, 414, 431)
        assert status_of(ask(port)) == 200
        scene.ends_well()


def file_size(ground):
    """RLIMIT_FSIZE is a full disk."""
    with Scene("file-size", ground) as scene:
        scene.bridge.process.limit(resource.RLIMIT_FSIZE, 4096)
        scene.health(lambda h: h["status"] == "critical" and h["disk"] != "ok", "the fault")
        sent = len(scene.told.read().states["sent"])
        scene.told.wait(sent + 4, "sent", 60)
        scene.bridge.process.limit(resource.RLIMIT_FSIZE)
        scene.health(lambda h: h["disk"] == "ok" and h["outbox"]["in_memory"] == 0, "the disk's recovery", 150)
        scene.more(2)
        all_arrive(scene.sim, scene.told.states["sent"], 60)
        scene.ends_well()


# ---- signals ----


def stop_while_uploading(ground):
    """The upload that hangs is given up; another SIGTERM hurries it."""
    with Scene("stop-uploading", ground) as scene:
        for signals in (1, 2):
            met = scene.met()
            scene.sim.fault(path="/v1/telemetry", stall=True, count=1)
            scene.hits(met + 1)
            for _ in range(signals - 1):
                scene.bridge.process.signal(signal.SIGTERM)
                scene.bridge.wait_log("stopping.*SIGTERM", 5)
            scene.bridge.stop()  # within 5 s, exit code 0
            scene.start()
        scene.ends_well()


@contextlib.contextmanager
def dead_broker(answers_connect):
    """A port of the loopback where TCP connects but nothing answers, or not even that."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, contextlib.ExitStack() as stack:
        for _ in range(0 if answers_connect else 2):  # the kernel takes one more than the backlog says
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield server


def stop_without_broker(ground, name, answers_connect):
    """The broker's host swallows everything: the thread that connects hangs, and the process ends all the same."""
    with Scene(name, ground) as scene, dead_broker(answers_connect) as dead:
        good = scene.bridge.file.read_text()
        config = yaml.safe_load(good)
        config["mqtt"]["server"] = "mqtt://127.0.0.1:{}".format(dead.getsockname()[1])
        scene.bridge.write(config)
        scene.bridge.reload()
        scene.bridge.wait_log("the new configuration is in force", 30)
        stored = scene.sim.stats()["stored"]
        until(lambda: scene.sim.stats()["stored"] > stored + 2, 30, "uploads that go on")
        scene.bridge.stop()
        scene.bridge.write(good)
        scene.start()
        scene.ends_well()


def handles_signals(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as f:
        blocked = next(int(line.split()[1], 16) for line in f if line.startswith("SigBlk"))
    return blocked >> (signal.SIGTERM - 1) & 1


def stop_at_start(ground):
    """SIGTERM as soon as it is the program's to handle, and at moments after that, while points wait: always a clean
    stop."""
    with Scene("stop-at-start", ground) as scene:
        scene.sim.outage()
        scene.more(4)
        scene.bridge.stop()
        scene.sim.outage(False)
        seed = random.randrange(1 << 32)
        print(f"stop-at-start: seed {seed}")
        chance = random.Random(seed)
        for n in range(10):
            scene.bridge.start()
            process = scene.bridge.process
            until(lambda: handles_signals(process), 30, "signals handled", every=0.001)  # noqa: B023
            time.sleep(chance.random() * 0.02 * n)  # the moment is what is tried
            scene.bridge.stop()
        scene.start()
        scene.ends_well()


def keepalive(seconds, change):
    def both(config):
        config["mqtt"]["keepalive"] = f"{seconds}s"
        change(config)

    return both


def suspended(ground):
    """The host sleeps until the broker has given the bridge up: the counter bridges the gap, and nothing comes in a
    flood. F2M_SLOW_TESTS: for longer than the minute up to which missed intervals are closed one by one."""
    with Scene("suspended", ground, change=keepalive(5, with_meter("suspended"))) as scene:
        meter = Meter(scene)
        meter.read()
        scene.more(6)
        since = scene.mqtt.mark()
        scene.bridge.process.pause()
        scene.mqtt.wait_for("suspended/bridge/state", "offline", 30, since)
        time.sleep(70 if SLOW else 0)  # the fault itself
        for _ in range(20):
            meter.read()
        before = scene.sim.stats()["telemetry_requests"]
        since = scene.mqtt.mark()
        scene.bridge.process.resume()
        scene.bridge.wait_online(scene.mqtt, since, 60)
        if SLOW:
            scene.bridge.wait_log("the series has a gap", 30)
        meter.read()
        scene.more(6)
        meter.arrives()
        assert scene.sim.stats()["telemetry_requests"] < before + 10
        scene.ends_well()


def same_client_id(ground):
    """Two bridges with one client id throw each other off: they say so and slow down, and a new id heals it at once."""

    def named(config):
        config["mqtt"]["client_id"] = "twins"

    with Scene("twin-a", ground, change=named) as a, Scene("twin-b", ground, change=named) as b:
        twins = [t.bridge.process for t in (a, b)]
        until(lambda: any(t.find("does another client use the id twins") for t in twins), 60, "the takeovers told")
        connects = sum("connected to the broker" in line for t in twins for line in t.lines)
        assert connects <= 8, [t.log() for t in twins]
        for scene in (a, b):
            config = scene.bridge.file.read_text()
            scene.bridge.write(config.replace("client_id: twins", f"client_id: {scene.name}"))
            scene.bridge.reload()
            scene.bridge.wait_log("configuration is in force", 30)
        for scene in (a, b):
            scene.more(2)
            scene.ends_well()


SCENES = {
    "few-descriptors": few_descriptors,
    "no-more-descriptors": no_more_descriptors,
    "no-thread": no_thread,
    "listener": listener,
    "file-size": file_size,
    "stop-uploading": stop_while_uploading,
    "stop-broker-mute": functools.partial(stop_without_broker, name="stop-broker-mute", answers_connect=True),
    "stop-broker-gone": functools.partial(stop_without_broker, name="stop-broker-gone", answers_connect=False),
    "stop-at-start": stop_at_start,
    "suspended": suspended,
    "same-client-id": same_client_id,
    "log-unread": unread,
    "log-gone": deaf,
    "log-closed": no_descriptors,
}
