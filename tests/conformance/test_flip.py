"""Flip's objects are the same here and in the description of Flip's API that script/contract enforces: the examples of
requests and responses fit both."""
import json

import jsonschema
import pytest
import yaml
from schemas import ROOT, SCHEMAS, good, load

FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
API = yaml.load((ROOT / "tests" / "contract" / "openapi.yaml").read_text(encoding="utf-8"), Loader=FAST)
INTERFACE = yaml.load((SCHEMAS / "asyncapi.yaml").read_text(encoding="utf-8"), Loader=FAST)
CALLS = [o for o in INTERFACE["operations"].values() if o.get("x-endpoint")]
SAME = {
    "Site": "site", "Device": "device", "Program": "program", "Enrollment": "enrollment", "Event": "event", "Command": "command",
    "SiteToken": "site-token", "SiteUpdate": "site-update", "DeviceUpdate": "device-update", "EventUpdate": "event-update",
    "Commission": "commission", "Commissioned": "commissioned", "EnrollmentCreate": "enrollment-create",
    "Acknowledgement": "command-update", "TelemetryItem": "telemetry-item", "CounterItem": "counter-item",
}  # fmt: skip


def resolved(node):
    while "$ref" in node:
        target = API
        for part in node["$ref"][2:].split("/"):
            target = target[part.replace("~1", "/")]
        node = target
    return node


def members(schema):
    schema = resolved(schema)
    return set(schema.get("properties", {})).union(*(members(part) for part in schema.get("allOf", [])))


@pytest.mark.parametrize("theirs, ours", SAME.items())
def test_an_object_has_the_same_members(theirs, ours):
    assert members(API["components"]["schemas"][theirs]) == set(load(f"flip/{ours}")["properties"])


def complaints(schema, value):
    checker = jsonschema.Draft202012Validator(schema, resolver=jsonschema.RefResolver("", API))
    return [f"{list(e.absolute_path)}: {e.message[:300]}" for e in checker.iter_errors(value)]


def endpoint(operation):
    method, path = operation["x-endpoint"].split()
    found = [node for there, node in API["paths"].items() if shape(there) == shape(path)]
    assert len(found) == 1, path
    return found[0][method.lower()]


def shape(path):
    """The path without the names of its ids."""
    return [part if not part.startswith("{") else "{}" for part in path.strip("/").split("/")]


def place(operation):
    return "/".join(INTERFACE["channels"][operation["channel"]["$ref"].rsplit("/", 1)[1]]["address"].split("/")[1:])


def content(node):
    return resolved(node)["content"]["application/json"]["schema"]


@pytest.mark.parametrize("operation", CALLS, ids=lambda o: o["x-endpoint"])
def test_the_examples_of_a_request_fit_the_api(operation):
    described = endpoint(operation)
    for example in good(place(operation)):
        body = json.loads(example.payload).get("body")
        assert ("requestBody" in described) == (body is not None), example.name
        if body is not None:
            assert complaints(content(described["requestBody"]), body) == [], example.name


@pytest.mark.parametrize("operation", CALLS, ids=lambda o: o["x-endpoint"])
def test_the_examples_of_a_response_fit_the_api(operation):
    answers = endpoint(operation)["responses"]
    for example in good(place(operation).replace("bridge/request", "bridge/response")):
        response = json.loads(example.payload)
        if response["http_status"] is None or "wrapped" in example.name or "in-an-object" in example.name:
            continue  # nothing was sent; or tolerated where Flip does what it does not document
        answer = resolved(answers[str(response["http_status"])])
        assert ("content" in answer) == (response.get("data") is not None or "error" in response), example.name
        if response["status"] == "ok" and "content" in answer:
            assert complaints(content(answer), response["data"]) == [], example.name
