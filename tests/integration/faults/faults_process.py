"""The process and its surroundings: what it inherits, what is taken from it while it runs, and the signals it gets."""
import resource

from harness import Mqtt
from harness.fleet import all_arrive
from scene import Scene

DROPPED = r"nobody read them.* count=\d+"


# ---- stderr ----


def unread(ground):
    """Nobody reads the log, and its pipe is full: nothing waits for it, and the lines that were dropped are told once."""
    with Scene("log-unread", ground, unread=True) as scene:
        scene.sim.outage()
        ground.mqtt.wait_for("log-unread/cloud/state", "offline", 60)
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


def no_more_descriptors(ground):
    """None can be opened any more while it runs: what needs one waits, without spinning, and is tried again."""
    with Scene("no-more-descriptors", ground) as scene:
        process = scene.bridge.process
        scene.sim.outage()  # its connections are gone
        process.limit(resource.RLIMIT_NOFILE, 8)
        scene.health(lambda h: h["outbox"]["pending"] and "oo many open files" in (h["last_error"] or ""), "the fault")
        before = process.cpu_s()
        scene.more(8)
        assert process.cpu_s() - before < 2, "four seconds, and most of them busy"
        scene.sim.outage(False)
        Mqtt(ground.broker, client_id=scene.client_id()).close()  # and the broker's is gone
        scene.bridge.wait_log("no connection to the broker", 30)
        process.limit(resource.RLIMIT_NOFILE)
        scene.more(2)
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


SCENES = {
    "few-descriptors": few_descriptors,
    "no-more-descriptors": no_more_descriptors,
    "file-size": file_size,
    "log-unread": unread,
    "log-gone": deaf,
    "log-closed": no_descriptors,
}
