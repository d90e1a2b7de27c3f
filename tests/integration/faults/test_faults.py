"""The fault catalogue against the real processes: whatever breaks, no point is lost, none arrives twice with other
content, no secret is told, and health shows the fault and its end. docs/faults.md lists every scene."""
import os
import re

import faults_broker
import faults_clock
import faults_cloud
import faults_config
import faults_disk
import faults_process
import faults_tls
from harness.binaries import ROOT
from harness.fleet import Traffic
from scene import DEVICES, Ground, side_by_side

ONLY = set(filter(None, os.environ.get("F2M_FAULTS", "").split(",")))  # names, to run but these


TABLES = (faults_cloud, faults_broker, faults_config, faults_disk, faults_clock, faults_process, faults_tls)


def all_scenes():
    scenes = {}
    for table in TABLES:
        assert not scenes.keys() & table.SCENES.keys()
        scenes.update(table.SCENES)
    return scenes


def test_every_fault_is_told_of():
    rows = re.findall(r"^\|.*\| (`.*) \|$", (ROOT / "docs/faults.md").read_text(), re.MULTILINE)
    told = {name for row in rows for name in re.findall("`([a-z0-9-]+)`", row)}
    scenes = all_scenes().keys() | {"stall"}  # which runs with F2M_SLOW_TESTS
    assert told == scenes, f"missing in docs/faults.md: {scenes - told}; no such scene: {told - scenes}"


def test_every_fault_costs_nothing(tmp_path, broker, mqtt):
    chosen = {name: scene for name, scene in all_scenes().items() if not ONLY or name in ONLY}
    with Traffic(mqtt, DEVICES, every=0.5):
        side_by_side(Ground(tmp_path, broker), chosen)
