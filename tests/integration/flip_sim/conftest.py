"""Fixtures: flip-sim running on a free port. Each must end cleanly, which under a sanitizer includes leaks."""
import pytest
from simulator import Sim


@pytest.fixture
def start():
    """Starts simulators with options; each must stop cleanly."""
    running = []

    def one(*options):
        running.append(Sim(*options))
        return running[-1]

    yield one
    for sim in running:
        if sim.process.poll() is None:
            code, stderr = sim.stop()
            assert code == 0, stderr


@pytest.fixture
def sim(start):
    return start("--enrollment-delay", "-1")


@pytest.fixture
def known(sim):
    """A simulator that knows site s1 with the battery d1."""
    assert sim.commission().status == 200
    return sim
