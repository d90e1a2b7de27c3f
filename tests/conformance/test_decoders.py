"""What the schemas accept the decoders in C accept, and what they refuse is refused: on every topic that the bridge reads,
and for what it reads of Flip's."""
import os
import subprocess

import pytest
from schemas import DECODED_PARTS, bad, good, reason, topics

DECODED = [p for p in topics() if p.startswith("bridge/request/") or p.endswith(("/set", "/ack"))] + list(DECODED_PARTS)


def refused_by_us(example):
    return "by" not in reason(example)


@pytest.fixture(scope="module")
def verdicts():
    """{example name: "accepted" or "refused: …"} of all examples, in one run."""
    examples = [e for place in DECODED for e in [*good(place), *bad(place)]]
    lines = "".join(f"{e.place}\t{e.path}\n" for e in examples)
    done = subprocess.run([os.environ["F2M_DECODE"]], input=lines, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert len(said) == len(examples), done.stdout
    return dict(zip([e.name for e in examples], said))


@pytest.mark.parametrize("place", DECODED)
def test_decoder_and_schema_agree(place, verdicts):
    for example in good(place):
        assert verdicts[example.name] == "accepted", example.name
    for example in bad(place):
        said = verdicts[example.name]
        if refused_by_us(example):
            assert said.startswith("refused: ") and len(said) > len("refused: "), f"{example.name}: {said}"
        else:
            assert said == "accepted", f"{example.name} is said to be Flip's to refuse: {said}"
