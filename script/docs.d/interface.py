"""The interface as its sources tell it: topics, and the operations of the table in C with what is known about each."""
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "mqtt-schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def below(topic):
    """The topic without its ids: where its schema and its examples lie."""
    return re.sub(r"\{\w+\}/", "", topic)


class Topic:
    def __init__(self, row):
        self.topic, self.direction = row["topic"], row["direction"]
        self.retained, self.text = row.get("retained", False), row.get("text", False)
        self.expires, self.will, self.when = row.get("expires", False), row.get("will"), row.get("when")
        self.place = below(self.topic)
        self.parameters = re.findall(r"\{(\w+)\}", self.topic)
        self.group = self.topic.split("/")[0].replace("cloud", "bridge")


class Operation:
    """One row of the C table, and what interface.yaml adds."""

    def __init__(self, row, more):
        self.name, self.group, self.method, self.path = row["name"], row["group"], row["method"], row["path"]
        self.token, self.takes_body, self.paged = row["token"], row["body"], row["paged"]
        self.required_ids = row["ids"]
        self.optional_ids = more.get("ids", [])
        self.summary, self.body = more["summary"], more.get("body")
        self.data, self.list, self.query = more.get("data"), more.get("list"), more.get("query", [])


class Interface:
    def __init__(self, table):
        source = yaml.safe_load((SCHEMAS / "source" / "interface.yaml").read_text(encoding="utf-8"))
        self.info, self.parameters, self.groups = source["info"], source["parameters"], source["groups"]
        self.ids, self.query, self.sections = source["ids"], source["query"], source["sections"]
        self.topics = [Topic(row) for row in source["topics"]]
        known, told = [row["name"] for row in table], source["operations"]
        if set(known) != set(told):
            raise SystemExit(f"interface.yaml and the table in C differ: {sorted(set(known) ^ set(told))}")
        rows = {row["name"]: row for row in table}
        self.operations = [Operation(rows[name], more) for name, more in told.items()]
        for operation in self.operations:
            if operation.takes_body != (operation.body is not None):
                raise SystemExit(f"{operation.name}: interface.yaml and the table in C differ about its body")
