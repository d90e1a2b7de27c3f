"""flip-sim with a home that it knows, and a bridge that may ask everything of it."""
import pytest
from harness import Bridge, FlipSim
from home import known, quiet


@pytest.fixture
def sim(tmp_path):
    with FlipSim(tmp_path, "--enrollment-delay", -1, seed=known()) as sim:
        yield sim


@pytest.fixture
def bridge(tmp_path, broker, sim):
    with Bridge(tmp_path, quiet(broker, sim, tmp_path)) as bridge:
        yield bridge
