"""The AsyncAPI document describes each topic that has a schema, and no other; the official parser reads it in
script/contract."""
import pytest
import yaml
from schemas import SCHEMAS, good, parse, topics

DOCUMENT = yaml.load((SCHEMAS / "asyncapi.yaml").read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
MESSAGES = DOCUMENT["components"]["messages"]


def place(message):
    return message["payload"]["$ref"][len("./") : -len(".schema.json")]


def test_every_topic_has_one_message_and_one_channel():
    assert sorted(map(place, MESSAGES.values())) == topics()
    assert len({c["address"] for c in DOCUMENT["channels"].values()}) == len(DOCUMENT["channels"]) == len(topics())


def test_every_channel_belongs_to_an_operation():
    used = [o["channel"]["$ref"] for o in DOCUMENT["operations"].values()]
    used += [o["reply"]["channel"]["$ref"] for o in DOCUMENT["operations"].values() if "reply" in o]
    assert sorted(used) == sorted(f"#/channels/{name}" for name in DOCUMENT["channels"])


@pytest.mark.parametrize("message", MESSAGES.values(), ids=lambda m: m["name"])
def test_its_examples_are_the_good_ones(message):
    there = {e.path.stem: parse(e.place, e.payload) for e in good(place(message))}
    assert {e["name"]: e["payload"] for e in message["examples"]} == there


def test_a_request_has_its_response_and_both_carry_the_transaction():
    requests = [o for o in DOCUMENT["operations"].values() if "reply" in o]
    assert len(requests) == len([t for t in topics() if t.startswith("bridge/request/")])
    for operation in requests:
        request = operation["channel"]["$ref"].replace("#/channels/bridgeRequest", "")
        assert operation["reply"]["channel"]["$ref"] == f"#/channels/bridgeResponse{request}"
        assert operation["action"] == "receive" and operation["bindings"]["mqtt"] == {"qos": 1, "retain": False, "bindingVersion": "0.2.0"}
    for message in MESSAGES.values():
        if place(message).startswith("bridge/re"):
            assert message["correlationId"]["location"] == "$message.payload#/transaction"
            assert "correlationData" in message["bindings"]["mqtt"]
