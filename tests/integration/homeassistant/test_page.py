"""What the first pages show is so: configurations are valid, and every entity and topic of docs/home-assistant.md exists."""
import re

import pytest
import yaml
from harness import Bridge
from harness.binaries import ROOT

PAGE = (ROOT / "docs" / "home-assistant.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
LEAVES = r"flip2mqtt/(bridge/(state|info|health)|cloud/state|device/battery-1/(state|telemetry|command(/ack)?|control|pause(/set)?)|site/home-1/notification)"


def known_entities():
    text = (ROOT / "docs" / "home-assistant-entities.md").read_text(encoding="utf-8")
    ids = re.findall(r"`((?:sensor|binary_sensor|switch|event)\.flip_[^`]+)`", text)
    return {i.replace("<name>", "garage_battery").replace("<id>", "home_1") for i in ids}


def blocks(page):
    return re.findall(r"^ *```yaml\n(.*?)^ *```", (ROOT / page).read_text(encoding="utf-8"), re.S | re.M)


@pytest.mark.parametrize("page", ["README.md", "docs/getting-started.md", "docs/home-assistant.md", "docs/flip-sim.md"])
def test_the_configurations_of_the_first_pages_are_valid(tmp_path, page):
    """Each as it stands; what leaves `flip` out gets the one for flip-sim, which stands in the same page."""
    shown = [yaml.safe_load(re.sub(r"!file (/etc/flip2mqtt/\w+)", "fl_test", block)) for block in blocks(page)]
    whole = [config for config in shown if isinstance(config, dict) and "sites" in config]
    (flip,) = [c["flip"] for c in shown if isinstance(c, dict) and set(c) == {"flip"}] or [None]
    assert whole
    for config in whole:
        with Bridge(tmp_path, {"flip": flip, **config}) as bridge:
            checked = bridge.check()
            assert (checked.returncode, checked.stderr) == (0, ""), checked


def test_every_entity_exists():
    named = set(re.findall(r"\b(?:sensor|binary_sensor|switch|event)\.flip_\w+", PAGE))
    assert len(named) > 15
    assert named <= known_entities(), named - known_entities()


def test_every_topic_exists():
    named = re.findall(r"flip2mqtt/(?:device|site|bridge|cloud)/[\w/-]+", PAGE)
    assert named and [t for t in named if not re.fullmatch(LEAVES, t)] == []


@pytest.mark.parametrize("block", BLOCKS[1:])
def test_automations_have_their_parts(block):
    automation = yaml.safe_load(block)
    assert {"alias", "triggers", "actions"} <= set(automation) <= {"alias", "triggers", "conditions", "actions", "mode"}
