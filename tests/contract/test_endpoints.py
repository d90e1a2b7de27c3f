"""The bridge's table of endpoints, openapi.yaml and docs/flip-api.md agree: method, path, token kind, operation."""
import os
import pathlib
import re
import subprocess

from api import endpoints, match

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "flip-api.md"


def table():
    """What the bridge is built with: five words a line."""
    done = subprocess.run([os.environ["F2M_ENDPOINTS"]], capture_output=True, text=True, check=True)
    return [tuple(line.split()) for line in done.stdout.splitlines()]


def test_there_are_24_endpoints():
    assert len(table()) == len(endpoints()) == 24


def test_the_bridge_and_the_description_agree():
    assert sorted(row[:4] for row in table()) == sorted(tuple(e) for e in endpoints())


def test_the_document_shows_the_same_table():
    shown = re.findall(r"^\| (\w+) `(\S+)` \| (\w+) \| `(\S+)` \| (\w+) \|", DOCUMENT.read_text(encoding="utf-8"), re.M)
    assert shown == table()


def test_a_path_is_recognised_by_its_shape():
    assert match("GET", "/v1/site/a%2Fb/device/x").operation == "device/get"
    assert match("DELETE", "/v1/site/a%2Fb/enrollment/x").operation == "enrollment/delete"
    assert match("GET", "/v1/site/a/b/device/x") is None and match("PUT", "/v1/sites") is None
