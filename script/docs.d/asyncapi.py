"""The AsyncAPI document of the whole interface."""
import json
import re

import yaml
from interface import ROOT, SCHEMAS
from requests import endpoint

BASE = "flip2mqtt"  # the default of mqtt.base_topic
BINDING = {"bindingVersion": "0.2.0"}
HEAD = "# Written by script/docs from mqtt-schemas/source/interface.yaml, the schemas and the examples. Do not edit.\n"
# The example that explains the most stands first.
FIRST = ("one", "ok", "online", "on", "sent", "started", "well", "flip", "event-created", "active", "taking-part", "ok")


def camel(place):
    first, *others = re.split(r"[/_]", place)
    return first + "".join(word.capitalize() for word in others)


def pointer(*parts):
    return {"$ref": "#/" + "/".join(parts)}


def schema(place):
    return json.loads((SCHEMAS / f"{place}.schema.json").read_text(encoding="utf-8"))


def examples(place):
    """Good examples of a topic, in an order that is good to read."""
    folder = SCHEMAS / "examples" / "good" / place
    paths = sorted(p for p in folder.glob("*") if p.is_file())
    paths.sort(key=lambda p: FIRST.index(p.stem) if p.stem in FIRST else len(FIRST))
    for path in paths:
        text = path.read_text(encoding="utf-8")
        yield {"name": path.stem, "payload": text if path.suffix == ".txt" else json.loads(text)}


def message(place, text=False, bindings=None, **more):
    told = schema(place)
    return {
        "name": camel(place),
        "title": told["title"],
        "summary": told["description"],
        "contentType": "text/plain" if text else "application/json",
        **more,
        "payload": {"$ref": f"./{place}.schema.json"},
        "bindings": {"mqtt": {**(bindings or {}), **BINDING}},
        "examples": list(examples(place)),
    }


def channel(address, place, description, parameters=None):
    return {
        "address": f"{BASE}/{address}",
        "title": schema(place)["title"],
        "description": description,
        **({"parameters": parameters} if parameters else {}),
        "messages": {camel(place): pointer("components", "messages", camel(place))},
    }


def operation(action, name, place, retained, **more):
    return {
        "action": action,
        "channel": pointer("channels", name),
        "messages": [pointer("channels", name, "messages", camel(place))],
        "title": schema(place)["title"],
        **more,
        "bindings": {"mqtt": {"qos": 1, "retain": retained, **BINDING}},
    }


def add_topic(document, interface, topic):
    name = camel(topic.place)
    description = " ".join(filter(None, [schema(topic.place)["description"], topic.when]))
    parameters = {p: pointer("components", "parameters", p) for p in topic.parameters}
    document["channels"][name] = channel(topic.topic, topic.place, description, parameters)
    document["components"]["messages"][name] = message(topic.place, topic.text)
    out = topic.direction == "out"
    added = operation("send" if out else "receive", name, topic.place, topic.retained, tags=[{"name": topic.group}])
    if topic.expires:
        added["bindings"]["mqtt"]["messageExpiryInterval"] = {"type": "integer", "minimum": 1, "maximum": 86400}
    document["operations"][("publish" if out else "read") + name[0].upper() + name[1:]] = added


MQTT5 = {
    "responseTopic": {"type": "string", "description": "MQTT 5: where the answer goes instead."},
    "correlationData": {"type": "string", "description": "MQTT 5: given back with the answer."},
}
ANSWERED = {"correlationData": {"type": "string", "description": "MQTT 5: that of the request."}}
CORRELATION = {"description": "Yours, given back in the answer.", "location": "$message.payload#/transaction"}


def add_operation(document, row):
    request, response = f"bridge/request/{row.name}", f"bridge/response/{row.name}"
    messages = document["components"]["messages"]
    for place, bindings in ((request, MQTT5), (response, ANSWERED)):
        document["channels"][camel(place)] = channel(place, place, schema(place)["description"])
        messages[camel(place)] = message(place, bindings=bindings, correlationId=CORRELATION)
    document["operations"][camel(row.name)] = operation(
        "receive", camel(request), request, False,
        summary=row.summary,
        description=f"{endpoint(row)} Group `{row.group}` of `requests.allow`.",
        tags=[{"name": "request"}, {"name": row.group}],
        **{"x-group": row.group, "x-ids": row.required_ids, "x-optional-ids": row.optional_ids, "x-query": row.query, "x-endpoint": f"{row.method} {row.path}" if row.path else None},
        reply={
            "channel": pointer("channels", camel(response)),
            "messages": [pointer("channels", camel(response), "messages", camel(response))],
        },
    )  # fmt: skip


def server():
    return {
        "host": "localhost:1883",
        "protocol": "mqtt",
        "protocolVersion": "5",
        "description": "Your broker (`mqtt.server`), MQTT 5 or 3.1.1. Actions are the bridge's: it sends what it publishes.",
        "bindings": {
            "mqtt": {
                "clientId": "flip2mqtt-1a2b3c4d",
                "cleanSession": True,
                "keepAlive": 60,
                "lastWill": {"topic": f"{BASE}/bridge/state", "qos": 1, "message": "offline", "retain": True},
                **BINDING,
            }
        },
    }


def version():
    return re.search(r"project\(flip2mqtt VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text()).group(1)


def document(interface):
    groups = [{"name": name, "description": title} for name, title in interface.groups.items()]
    allowed = sorted({row.group for row in interface.operations} - set(interface.groups))
    tags = groups + [{"name": name, "description": f"The group `{name}` of `requests.allow`."} for name in allowed]
    written = {
        "asyncapi": "3.0.0",
        "id": "urn:flip2mqtt:mqtt",
        "info": {"title": interface.info["title"], "version": version(), **interface.info, "tags": tags, "x-sections": interface.sections},
        "defaultContentType": "application/json",
        "servers": {"broker": server()},
        "channels": {},
        "operations": {},
        "components": {"parameters": interface.parameters, "messages": {}},
    }
    for topic in interface.topics:
        add_topic(written, interface, topic)
    for row in interface.operations:
        add_operation(written, row)
    return written


class Dumper(yaml.SafeDumper):
    """Without anchors, and texts of several lines as such."""

    def ignore_aliases(self, data):
        return True


def _text(dumper, value):
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value.strip() else None)


Dumper.add_representer(str, _text)


def text(written):
    return HEAD + yaml.dump(written, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)
