"""Whatever Flip's cloud, or something that answers in its place, does to an upload: every point arrives, none twice with
other content, health shows the fault and its end."""
import email.utils
import functools
import time

from scene import SLOW, Scene

UPLOADS = "/v1/telemetry"
MANY = [{"status": "OK"}] * 500


def date(seconds):
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


def waits(text):
    """Points wait, and the reason is told."""
    return lambda h: h["outbox"]["pending"] > 0 and text in (h["last_error"] or "")


def problem(text):
    return lambda h: any(text in p for p in h["problems"])


# name: (the rule of flip-sim, how often it is met, what health shows)
BRIEF = {
    "status-500": ({"status": 500}, 3, waits("HTTP 500")),
    "status-502-html": ({"status": 502, "invalid_body": "html"}, 2, waits("502")),
    "status-503": ({"status": 503}, 2, waits("503")),
    "status-408": ({"status": 408}, 2, waits("408")),
    "status-429": ({"status": 429}, 2, waits("429")),
    "redirect": ({"status": 307}, 2, waits("307")),
    "portal": ({"invalid_body": "html"}, 2, waits("telemetry")),
    "garbage": ({"invalid_body": "garbage"}, 2, waits("telemetry")),
    "huge": ({"invalid_body": "huge", "huge_bytes": 8 << 20}, 2, waits("telemetry")),
    "truncated": ({"truncate_at": 3}, 2, waits("telemetry")),
    "lost-answer": ({"reset": "after"}, 2, waits("telemetry")),
    "empty": ({"invalid_body": "empty"}, 2, problem("telemetry")),
    "no-array": ({"status": 200, "process": True, "body": {}}, 2, problem("expected an array")),
    "no-status": ({"status": 200, "process": True, "body": [{"result": "OK"}]}, 2, problem("without a status")),
    "too-many": ({"status": 200, "process": True, "body": MANY}, 2, problem("500 results for")),
    "too-few": ({"status": 200, "process": True, "body": []}, 2, lambda h: h["outbox"]["pending"] > 0),
    "status-404": ({"status": 404}, 2, problem("check flip.base_url")),
    "status-405": ({"status": 405}, 2, problem("check flip.base_url")),
}
LONG = {"stall": ({"stall": True}, 1, lambda h: not h["cloud_reachable"])} if SLOW else {}


def play(ground, name, rule, count, shown):
    with Scene(name, ground) as scene:
        scene.sim.fault(path=UPLOADS, **rule)
        scene.hits(count)
        scene.health(shown, "the fault")
        scene.sim.no_faults()
        scene.more(1)
        scene.ends_well()


def late(ground, name, value, least):
    """The next request comes no earlier than Retry-After says; one that says nothing sensible counts as none."""
    with Scene(name, ground) as scene:
        scene.sim.fault(path=UPLOADS, status=429, retry_after=value(), count=1)
        scene.hits(1)
        scene.more(2)
        scene.ends_well()
        requests = scene.sim.requests(UPLOADS)["requests"]
        refused = next(r for r in requests if r["status"] == 429)
        after = next(r for r in requests if r["index"] > refused["index"])
        waited = seconds(after["at"]) - seconds(refused["at"])
        assert waited >= least, f"{name}: asked again after {waited} s"


def ten_years(ground):
    """An absurd Retry-After is cut to an hour; a restart need not wait for it."""
    with Scene("ten-years", ground) as scene:
        scene.sim.fault(path=UPLOADS, status=503, retry_after="315360000")
        scene.hits(1)
        scene.more(8)
        assert scene.met() == 1, "the uploads do not wait"
        scene.bridge.stop()
        scene.sim.no_faults()
        scene.start()
        scene.ends_well()


def too_large(ground):
    with Scene("too-large", ground) as scene:
        scene.sim.outage()
        scene.more(12)
        scene.sim.fault(path=UPLOADS, above_bytes=3000, status=413)
        scene.sim.outage(False)
        scene.hits(1)
        scene.more(1)
        scene.ends_well()


def forbidden(ground):
    with Scene("forbidden", ground) as scene:
        scene.sim.fault(path=UPLOADS, status=403)
        scene.hits(1)
        scene.mqtt.wait_for("forbidden/cloud/state", "offline", 30)
        scene.more(3)
        assert scene.met() == 1, "the uploads do not pause"
        scene.sim.no_faults()
        scene.bridge.reload()  # ends the pause of a minute
        scene.ends_well()


def tokens_in_an_outage(ground):
    """A site's polls share one backoff for its token; each on its own made seventeen requests in four seconds."""
    with Scene("tokens", ground) as scene:
        scene.sim.control("POST", "token", {"site": "revoke"})
        scene.sim.fault(path="/v1/auth", status=503)
        scene.bridge.stop()
        scene.start()
        scene.hits(1)
        scene.more(8)  # about four seconds
        assert scene.met() <= 6, f"{scene.met()} requests for a token"
        scene.health(lambda h: "503" in (h["last_error"] or ""), "the fault")
        scene.sim.no_faults()
        scene.ends_well()


def seconds(text):
    whole, _, rest = text.rstrip("Z").partition(".")
    return time.mktime(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float(f"0.{rest or 0}")


SCENES = {name: functools.partial(play, name=name, rule=rule, count=count, shown=shown) for name, (rule, count, shown) in {**BRIEF, **LONG}.items()}
SCENES.update(
    {
        "after-seconds": functools.partial(late, name="after-seconds", value=lambda: "3", least=3),
        "after-date": functools.partial(late, name="after-date", value=lambda: date(5), least=2.5),
        "after-garbage": functools.partial(late, name="after-garbage", value=lambda: "soon", least=0.1),
        "after-negative": functools.partial(late, name="after-negative", value=lambda: "-10", least=0.1),
        "ten-years": ten_years,
        "too-large": too_large,
        "forbidden": forbidden,
        "tokens": tokens_in_an_outage,
    }
)
