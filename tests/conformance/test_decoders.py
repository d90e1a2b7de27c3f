"""What the schemas accept the decoders in C accept, and what they refuse is refused: on every topic that the bridge reads,
and for what it reads of Flip's. The examples, and thousands of changes of them by chance."""
import copy
import json
import os
import random
import subprocess

import jsonschema
import pytest
from schemas import DECODED_PARTS, NoJson, bad, good, is_text, load, parse, reason, topics, validator

DECODED = [p for p in topics() if p.startswith("bridge/request/") or p.endswith(("/set", "/ack"))] + list(DECODED_PARTS)
SEED, CHANGES = 20260601, 150


def decoded(pairs):
    """The verdicts of C on (place, payload) pairs: "accepted" or "refused: …"."""
    lines = "".join(f"{place}\t{payload.hex()}\n" for place, payload in pairs)
    done = subprocess.run([os.environ["F2M_DECODE"]], input=lines, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert len(said) == len(pairs), done.stdout
    return said


@pytest.fixture(scope="module")
def verdicts():
    """{example name: verdict} of all examples, in one run."""
    examples = [e for place in DECODED for e in [*good(place), *bad(place)]]
    said = decoded([(e.place, e.payload) for e in examples])
    return dict(zip([e.name for e in examples], said))


@pytest.mark.parametrize("place", DECODED)
def test_decoder_and_schema_agree(place, verdicts):
    for example in good(place):
        assert verdicts[example.name] == "accepted", example.name
    for example in bad(place):
        said = verdicts[example.name]
        if "by" not in reason(example):
            assert said.startswith("refused: ") and len(said) > len("refused: "), f"{example.name}: {said}"
        else:
            assert said == "accepted", f"{example.name} is said to be Flip's to refuse: {said}"


def ours(place):
    """The schema of a request as far as the bridge itself checks it: what stands in body and query is Flip's to judge."""
    if not place.startswith("bridge/request/"):
        return validator(place)
    schema = copy.deepcopy(load(place))
    schema["properties"]["query"].pop("properties", None)
    if "$ref" in schema["properties"]["body"]:
        schema["properties"]["body"] = {"type": "object"}
    return jsonschema.Draft202012Validator(schema, resolver=validator(place).resolver)


ODD = [None, True, False, 0, 1, -1, 100, 101, 1e9, 0.5, "", "x", "ON", "OK", "FAILED", "SETPOINT", "FOLLOW_LOAD", "DISCHARGE", "CANCELED",
       "2026-06-01T12:00:00Z", "2026-06-01 12:00:00.123456789+01:00", "2026-13-01T12:00:00Z", "2026-06-01", "x" * 256, "x" * 257,
       "\u0000", "a\u0000b", [], [None], ["a"], {}, {"id": "x"}, {"mode": "CHARGE"}]  # fmt: skip
NAMES = ["id", "device_id", "site_id", "transaction", "query", "body", "reason", "status", "mode", "extra", "ends_at"]


def change(value, chance):
    """Something in it is gone, new, or another."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        name = chance.choice(list(value))
        what = chance.random()
        if what < 0.25:
            return {k: v for k, v in value.items() if k != name}
        if what < 0.4:
            return {**value, chance.choice(NAMES): chance.choice(ODD)}
        return {**value, name: change(value[name], chance) if what < 0.7 else chance.choice(ODD)}
    if isinstance(value, list) and value and chance.random() < 0.5:
        at = chance.randrange(len(value))
        return [*value[:at], change(value[at], chance), *value[at + 1 :]]
    return chance.choice(ODD)


WORDS = ["on", "OFF", " on", "off\n", "\ton\r", "true", "False", "1", "0", "01", "online", "OFFLINE", "offlin", "", " ", "o n", "ON\x00", "on,", "\u00a0on"]


def changed(place, chance):
    """Payloads near to the good examples."""
    if is_text(place):
        return [word.encode() for word in WORDS]
    values = [parse(place, e.payload) for e in good(place)]
    made = []
    for _ in range(CHANGES):
        value = chance.choice(values)
        for _ in range(chance.choice((1, 1, 2))):
            value = change(value, chance)
        made.append(json.dumps(value, ensure_ascii=chance.random() < 0.5).encode())
    return made


def fitting(place, payload):
    try:
        return ours(place).is_valid(parse(place, payload))
    except NoJson:
        return False


def test_they_agree_on_whatever_comes():
    """Of Flip's objects the schemas say what Flip promises; the decoders may take more."""
    chance = random.Random(SEED)
    pairs = [(place, payload) for place in DECODED for payload in changed(place, chance)]
    wrong, accepted = [], 0
    for (place, payload), said in zip(pairs, decoded(pairs)):
        fits = fitting(place, payload)
        accepted += fits
        if fits and "ends before it starts" in said:
            continue  # a schema cannot compare
        if fits != (said == "accepted") and (fits or not place.startswith("flip/")):
            wrong.append(f"{place}: {payload.decode()[:300]}: the schema {'accepts' if fits else 'refuses'}, C: {said}")
    assert len(pairs) // 10 < accepted < len(pairs) * 9 // 10, f"{accepted} of {len(pairs)} are good: that tries one side only"
    assert not wrong, f"seed {SEED}, {len(wrong)} of {len(pairs)}:\n" + "\n".join(wrong[:30])
