"""What presets make of real payloads (tests/fixtures/presets/*.expected.json, written by the program and reviewed) agrees
with what the samples' own files expect (tests/fixtures/samples/*.expected.json, written by hand from the sources)."""
import json
import pathlib
import re

import pytest

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures"
REPLAY = FIXTURES.parents[0] / "unit/presets/test_replay.c"


def cases():
    """(case, sample) of the replay test, those with real payloads."""
    return re.findall(r'\{"([\w-]+)", "([\w-]+)"\}', REPLAY.read_text(encoding="utf-8"))


def expected_of(sample):
    return json.loads((FIXTURES / f"samples/{sample}.expected.json").read_text(encoding="utf-8"))


def directions(sources):
    """Signed powers as the samples write them, both directions from 0."""
    found = dict(sources)
    for signed, plus, minus in (("battery_power", "battery_charge_power", "battery_discharge_power"),
                                ("grid_power", "grid_import_power", "grid_export_power")):
        if isinstance(sources.get(signed), (int, float)):
            found[plus], found[minus] = max(sources[signed], 0), max(-sources[signed], 0)
    return found


def test_the_real_samples_are_replayed():
    assert len(cases()) >= 15


@pytest.mark.parametrize("case, sample", cases())
def test_every_number_agrees(case, sample):
    found = directions(json.loads((FIXTURES / f"presets/{case}.expected.json").read_text(encoding="utf-8"))["sources"])
    wanted = expected_of(sample)
    if case == "victron-volts-and-amps":  # this one multiplies, as only a mapping of its own can
        assert found["battery_discharge_power"] == pytest.approx(48.150001525878906 * 46.099998474121094, abs=0.01)
        wanted = {"state_of_charge": 64.7}
    for name, value in wanted.items():
        if value is None:
            assert found.get(name) is None, name
        else:
            assert found[name] == pytest.approx(value, rel=1e-9), name
