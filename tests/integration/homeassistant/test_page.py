"""What docs/home-assistant.md shows is so: its configuration is valid, every entity and topic that it names exists."""
import re

import pytest
import yaml
from harness import Bridge
from harness.binaries import ROOT

PAGE = (ROOT / "docs" / "home-assistant.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
LEAVES = r"flip2mqtt/(bridge/(state|info|health)|cloud/state|device/battery-1/(state|telemetry|command(/ack)?|control|pause(/set)?))"


def known_entities():
    text = (ROOT / "docs" / "home-assistant-entities.md").read_text(encoding="utf-8")
    ids = re.findall(r"`((?:sensor|binary_sensor|switch|event)\.flip_[^`]+)`", text)
    return {i.replace("<name>", "garage_battery").replace("<id>", "home_1") for i in ids}


def test_its_configuration_is_valid(tmp_path):
    shown = re.sub(r"!file /etc/flip2mqtt/\w+", "fl_test", BLOCKS[0])
    with Bridge(tmp_path, shown) as bridge:
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
