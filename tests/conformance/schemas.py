"""The schemas of mqtt-schemas/ and the examples, as tests need them."""
import functools
import json
import pathlib
import re

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "mqtt-schemas"
EXAMPLES = SCHEMAS / "examples"
# No payload has these by itself; they are parts of others, tried by themselves where C reads them.
PARTS = ("common/", "flip/")
DECODED_PARTS = ("flip/command", "flip/telemetry-results")


@functools.lru_cache(maxsize=None)
def load(place):
    return json.loads((SCHEMAS / f"{place}.schema.json").read_text(encoding="utf-8"))


@functools.lru_cache(maxsize=None)
def places():
    """Every schema, by its place: "device/command/ack"."""
    found = {str(p.relative_to(SCHEMAS))[: -len(".schema.json")] for p in SCHEMAS.rglob("*.schema.json")}
    return sorted(found - {"configuration"})


def topics():
    return [p for p in places() if not p.startswith(PARTS)]


@functools.lru_cache(maxsize=None)
def _store():
    return {(SCHEMAS / f"{p}.schema.json").as_uri(): load(p) for p in places()}


@functools.lru_cache(maxsize=None)
def validator(place, dialect=jsonschema.Draft202012Validator):
    uri = (SCHEMAS / f"{place}.schema.json").as_uri()
    return dialect(load(place), resolver=jsonschema.RefResolver(uri, load(place), store=_store()))


def is_text(place):
    """The payload is a word, not JSON."""
    schema = validator(place)
    words = ("online", "ON", "None")
    return place.endswith("/set") or any(schema.is_valid(w) for w in words)


class NoJson(ValueError):
    pass


def parse(place, payload):
    """What the schema describes: the text itself, or the JSON in it, read strictly; \\u0000 is no text to the bridge."""
    text = payload.decode("utf-8")
    if is_text(place):
        return text
    if re.search(r"(?<!\\)(\\\\)*\\u0000", text):
        raise NoJson("\\u0000")
    try:
        return json.loads(text, parse_constant=lambda name: (_ for _ in ()).throw(NoJson(name)))
    except ValueError as error:
        raise NoJson(str(error)) from None


def pointer(error):
    return "".join(f"/{part}" for part in error.absolute_path)


def complaints(place, payload, dialect=jsonschema.Draft202012Validator):
    """Why a payload does not fit its topic; empty where it does."""
    try:
        value = parse(place, payload)
    except ValueError as error:
        return [f"no JSON: {error}"]
    return [f"{pointer(e) or 'the payload'}: {e.message[:400]}" for e in validator(place, dialect).iter_errors(value)]


class Example:
    def __init__(self, place, path):
        self.place, self.path = place, path
        self.name = f"{place}:{path.relative_to(EXAMPLES)}"

    @property
    def payload(self):
        return self.path.read_bytes()


def _own(kind, place):
    return sorted(p for p in (EXAMPLES / kind / place).glob("*") if p.is_file() and p.suffix in (".json", ".txt"))


def good(place):
    return [Example(place, p) for p in _own("good", place)]


def bad(place):
    """Its own, and those that are bad on every topic below a folder."""
    levels = place.split("/")
    shared = ["/".join(levels[:n]) for n in range(1, len(levels)) if "/".join(levels[:n]) not in places()]
    return [Example(place, p) for folder in [*shared, place] for p in _own("bad", folder)]


@functools.lru_cache(maxsize=None)
def reasons():
    return yaml.safe_load((EXAMPLES / "bad" / "reasons.yaml").read_text(encoding="utf-8"))


def reason(example):
    return reasons()[str(example.path.relative_to(EXAMPLES / "bad"))]


def place_of(topic):
    """The schema of a topic below the base topic; None where there is none."""
    rules = [(r"^(site|device)/[^/]+/", r"\1/"), (r"^site/event/[^/]+/participation", "site/event/participation")]
    for pattern, place in rules:
        topic = re.sub(pattern, place, topic)
    return topic if topic in topics() else None
