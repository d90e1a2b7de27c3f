"""Fixtures of the integration tests, and the logs of all processes with each test that fails."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "support"))
from harness import Bridge, Broker, FlipSim, Mqtt, Process, home_config  # noqa: E402


@pytest.fixture(autouse=True)
def processes():
    """Whatever a test started is ended, and nothing of it outlives the test."""
    Process.live.clear()
    yield Process.live
    problems = []
    for process in reversed(Process.live):
        try:
            process.close()
        except AssertionError as error:
            problems.append(str(error))
    assert not problems, "\n".join(problems)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for process in Process.live:
            report.sections.append((f"log of {process.name} ({process.pid})", "\n".join(process.lines[-400:])))


@pytest.fixture
def broker(tmp_path):
    with Broker(tmp_path) as broker:
        yield broker


@pytest.fixture
def sim(tmp_path):
    with FlipSim(tmp_path) as sim:
        yield sim


@pytest.fixture
def mqtt(broker):
    with Mqtt(broker) as mqtt:
        yield mqtt


@pytest.fixture
def bridge(tmp_path, broker, sim):
    """One battery at home, written but not started; bridge.write() changes the configuration."""
    with Bridge(tmp_path, home_config(broker, sim, tmp_path)) as bridge:
        yield bridge
