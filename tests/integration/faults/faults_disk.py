"""The disk under the database: full, broken, damaged, or written by a newer version."""
import datetime
import errno
import hashlib
import sqlite3

from harness import Shim, until
from harness.fleet import all_arrive
from scene import Scene


def refuses(ground, name, fail, heal):
    """Uploads go on from memory; `pending` is told of nothing that a power cut would take back; it heals by itself."""
    shim = Shim(ground.folder_of(f"shim-{name}"))
    with Scene(name, ground, env=shim.env) as scene:
        fail(shim)
        scene.health(lambda h: h["status"] == "critical" and h["disk"] != "ok", "the disk's fault")
        pending = len(scene.told.pending)
        sent = len(scene.told.states["sent"])
        scene.told.wait(sent + 4, "sent", 60)
        assert len(scene.told.pending) <= pending + 2, "pending was told of points in memory"
        heal(shim)
        scene.health(lambda h: h["disk"] == "ok" and h["outbox"]["in_memory"] == 0, "the disk's recovery", 150)
        scene.more(2)
        all_arrive(scene.sim, scene.told.states["sent"], 60)
        scene.ends_well()
        with sqlite3.connect(scene.folder / "flip2mqtt.db") as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def broken(ground):
    refuses(ground, "disk-eio", lambda shim: shim.disk_error(errno.EIO), lambda shim: shim.disk_error(0))


def full(ground):
    refuses(ground, "disk-full", lambda shim: shim.disk_room(0), lambda shim: shim.disk_room(None))


def damaged(ground):
    """A file that is no database any more is set aside, and a new one begun."""
    with Scene("db-damaged", ground) as scene:
        all_arrive(scene.sim, scene.told.pending, 60)
        scene.bridge.stop()
        file = scene.folder / "flip2mqtt.db"
        file.write_bytes(b"\xa5" * file.stat().st_size)
        scene.start()
        aside = list(scene.folder.glob("flip2mqtt.db.corrupt-*"))
        assert len(aside) == 1 and aside[0].read_bytes()[:2] == b"\xa5\xa5"
        assert scene.bridge.process.find("corrupt"), scene.bridge.log()
        scene.ends_well()


def torn(ground):
    """A page of waiting points is overwritten: the others are salvaged and arrive."""
    with Scene("db-torn", ground) as scene:
        scene.sim.outage()
        scene.more(12)
        scene.bridge.stop()
        stopped = datetime.datetime.now(datetime.UTC).isoformat()
        file = scene.folder / "flip2mqtt.db"
        data = bytearray(file.read_bytes())
        data[-1024:] = b"\x00" * 1024
        file.write_bytes(data)
        scene.sim.outage(False)
        scene.start()
        until(lambda: scene.sim.stats()["stored"] > 2, 60, "salvaged points in the cloud")
        all_arrive(scene.sim, {k: p for k, p in scene.told.pending.items() if k[1] > stopped}, 60)
        stats = scene.sim.stats()
        assert stats["conflicts"] == 0 and stats["overlaps"] == 0, stats
        scene.bridge.stop()
        scene.no_secret_told()


def newer(ground):
    """A database of a newer version is refused (78) and not touched."""
    with Scene("db-newer", ground) as scene:
        all_arrive(scene.sim, scene.told.pending, 60)
        scene.bridge.stop()
        file = scene.folder / "flip2mqtt.db"
        with sqlite3.connect(file) as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            db.execute(f"PRAGMA user_version = {version + 1}")
        before = hashlib.sha256(file.read_bytes()).digest()
        scene.bridge.start()
        assert scene.bridge.process.wait(30) == 78, scene.bridge.log()
        assert scene.bridge.process.find("newer"), scene.bridge.log()
        assert hashlib.sha256(file.read_bytes()).digest() == before
        with sqlite3.connect(file) as db:
            db.execute(f"PRAGMA user_version = {version}")
        scene.start()
        scene.ends_well()


SCENES = {"disk-eio": broken, "disk-full": full, "db-damaged": damaged, "db-torn": torn, "db-newer": newer}
