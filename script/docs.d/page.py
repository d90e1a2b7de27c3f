"""docs/mqtt.md, from the AsyncAPI document and the schemas that it refers to."""
import json
import posixpath
import re

from asyncapi import BASE, schema
from members import anchor, linked, members, objects, title_of

HEAD = """# MQTT topics

<!-- Written by script/docs from mqtt-schemas/asyncapi.yaml and the schemas beside it. Do not edit. -->
"""
SHELL_WIDTH = 200


def place(node):
    """The schema of a channel or message."""
    return posixpath.normpath(node["payload"]["$ref"])[: -len(".schema.json")]


class Page:
    def __init__(self, document):
        self.document, self.messages = document, document["components"]["messages"]
        self.lines = [HEAD.rstrip()]
        self.operations = list(document["operations"].values())

    def say(self, *lines):
        self.lines += ["", *lines]

    def channel(self, operation):
        return self.document["channels"][operation["channel"]["$ref"].rsplit("/", 1)[1]]

    def message(self, channel):
        return self.messages[next(iter(channel["messages"]))]

    def of(self, group):
        return [o for o in self.operations if "reply" not in o and o["tags"][0]["name"] == group]

    def requests(self):
        return [o for o in self.operations if "reply" in o]


def topic(channel):
    """As people write it: device/<device>/state."""
    return re.sub(r"\{(\w+)_id\}", r"<\1>", channel["address"][len(BASE) + 1 :])


def flags(page, operation, channel):
    out = operation["action"] == "send"
    words = ["R"] if operation["bindings"]["mqtt"]["retain"] else []
    will = page.document["servers"]["broker"]["bindings"]["mqtt"]["lastWill"]
    words += ["will"] if will["topic"] == channel["address"] else []
    return ", ".join(words if out else ["in"])


def topic_table(page, group):
    rows = ["| topic | | |", "|---|---|---|"]
    for operation in page.of(group):
        channel = page.channel(operation)
        name = topic(channel)
        link = f"[`{name}`](#{anchor(name)})"
        rows.append(f"| {link} | {flags(page, operation, channel)} | {linked(page.message(channel)['summary'])} |")
    page.say(*rows)


def example(payload, text):
    if text:
        return [f"`{payload}`"]
    written = json.dumps(payload, ensure_ascii=False)
    if len(written) > SHELL_WIDTH:
        written = "\n".join(_folded(payload))
    return ["```json", written, "```"]


def _folded(payload):
    """Indented, but what fits stands on one line."""
    short = json.dumps(payload, ensure_ascii=False)
    if len(short) <= 110 or not payload or not isinstance(payload, (dict, list)):
        return [short]
    pairs = payload.items() if isinstance(payload, dict) else [(None, value) for value in payload]
    lines = []
    for key, value in pairs:
        first, *rest = _folded(value)
        head = "" if key is None else f"{json.dumps(key, ensure_ascii=False)}: "
        part = [f"  {head}{first}", *(f"  {line}" for line in rest)]
        part[-1] += ","
        lines += part
    lines[-1] = lines[-1][:-1]
    return ["{", *lines, "}"] if isinstance(payload, dict) else ["[", *lines, "]"]


def topic_section(page, operation):
    channel = page.channel(operation)
    message = page.message(channel)
    page.say(f"### `{topic(channel)}`")
    page.say(linked(channel["description"]))
    table = members(place(message))
    if table:
        page.say(*table)
    text = message["contentType"] == "text/plain"
    if text:
        words = dict.fromkeys(e["payload"] for e in message["examples"] if e["payload"].strip() == e["payload"])
        page.say("Examples: " + ", ".join(f"`{word}`" for word in words))
    else:
        page.say(*example(message["examples"][0]["payload"], False))


def data_text(response):
    data = schema(response)["properties"]["data"]
    kinds = [k for k in data.get("anyOf", [data]) if k.get("type") != "null" and not (k.get("type") == "object")]
    kind = kinds[0]
    listed = kind.get("type") == "array"
    target = posixpath.normpath(posixpath.join(posixpath.dirname(response), (kind["items"] if listed else kind)["$ref"]))
    name = title_of(target[: -len(".schema.json")])
    return f"list of {name}" if listed else name


def ids_text(operation):
    needed = [f"`{i}`" for i in operation["x-ids"]]
    return " ".join(needed + [f"(`{i}`)" for i in operation["x-optional-ids"]])


def operations_table(page):
    rows = ["| operation | group | ids | query | body | answer | |", "|---|---|---|---|---|---|---|"]
    for operation in page.requests():
        request = place(page.message(page.channel(operation)))
        response = request.replace("bridge/request", "bridge/response")
        body = schema(request)["properties"]["body"]
        target = posixpath.normpath(posixpath.join(posixpath.dirname(request), body.get("$ref", "")))
        columns = [
            f"`{request[len('bridge/request/') :]}`",
            operation["x-group"],
            ids_text(operation),
            " ".join(f"`{name}`" for name in operation["x-query"]),
            title_of(target[: -len(".schema.json")]) if "$ref" in body else "",
            data_text(response),
            f"{operation['summary']} {call(operation)}".strip(),
        ]
        rows.append(f"| {' | '.join(columns)} |")
    page.say(*rows)


def call(operation):
    """Flip's endpoint, where there is one."""
    return f"`{operation['x-endpoint']}`" if operation["x-endpoint"] else ""


def operation_examples(page):
    for operation in page.requests():
        channel = page.channel(operation)
        payload = page.message(channel)["examples"][0]["payload"]
        written = json.dumps(payload, ensure_ascii=False)
        if len(written) > SHELL_WIDTH:
            written = "\n".join(_folded(payload))
        name = place(page.message(channel))[len("bridge/request/") :]
        page.say(f"`{name}`", "", "```sh", f"mosquitto_pub -t {channel['address']} -m '{written}'", "```")


def sections(page, where):
    for section in page.document["info"]["x-sections"]:
        if section["where"] == where:
            page.say(f"## {section['title']}" if where == "end" else f"### {section['title']}", "", section["text"].rstrip())


def text(document):
    page = Page(document)
    page.say(document["info"]["description"].rstrip())
    page.say("R: retained. In: read by the bridge. Schemas (JSON Schema 2020-12), examples and an AsyncAPI 3 document lie in",
             "[mqtt-schemas](../mqtt-schemas), installed in `share/flip2mqtt/mqtt-schemas`.")  # fmt: skip
    for tag in document["info"]["tags"]:
        if page.of(tag["name"]):
            page.say(f"## {tag['description']}")
            topic_table(page, tag["name"])
            for operation in page.of(tag["name"]):
                topic_section(page, operation)
    page.say("## Requests")
    sections(page, "requests")
    page.say("### Operations")
    operations_table(page)
    page.say("### An example of each")
    operation_examples(page)
    page.say("## Objects")
    page.say(*objects(sorted({place(m) for m in page.messages.values()})))
    sections(page, "end")
    return "\n".join(page.lines) + "\n"
