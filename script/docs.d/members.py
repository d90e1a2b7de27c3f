"""Members of payloads as tables, and the objects that payloads share."""
import posixpath
import re

from asyncapi import schema

NAMED = {
    "id": "id", "idOrNull": "id or null", "time": "time", "timeOrNull": "time or null", "flipTime": "time",
    "flipTimeOrNull": "time or null", "flipDate": "date or time", "transaction": "text, number, boolean or null",
}  # fmt: skip
WORDS = {"string": "text", "object": "object", "array": "list", "integer": "whole number"}
KEPT = "common/types"
OBJECTS = "Site|Device|Program|Enrollment|Event|Command"


def anchor(title):
    """As GitHub makes it from a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def linked(text):
    return re.sub(rf"(Flip's )({OBJECTS})\b(?!s)", lambda m: f"{m[1]}[{m[2]}](#{anchor(m[2])})", text).replace("\n", " ")


def title_of(place):
    """An object by its title, linked to where it is told."""
    if place == "flip/opaque":
        return "object"
    title = schema(place)["title"]
    return f"[{title}](#{anchor(title)})"


class Node:
    """A part of a schema, and the file it stands in."""

    def __init__(self, place, node):
        self.place, self.node = place, node

    def part(self, node):
        return Node(self.place, node)

    def target(self):
        """(place, fragment) of a reference."""
        file, _, fragment = self.node["$ref"].partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(self.place), file)) if file else self.place + ".schema.json"
        return path[: -len(".schema.json")], fragment

    def followed(self):
        """The node itself, or what it refers to, with what is said beside the reference."""
        if "$ref" not in self.node:
            return self
        place, fragment = self.target()
        node = schema(place)
        for key in fragment.split("/")[1:]:
            node = node[key]
        beside = {k: v for k, v in self.node.items() if k != "$ref"}
        there = Node(place, node).followed()
        return Node(there.place, {**there.node, **beside})


def kind(node):
    """What a value is, in words."""
    if "$ref" in node.node:
        place, fragment = node.target()
        name = fragment.rsplit("/", 1)[-1]
        if place == KEPT and name in NAMED:
            return NAMED[name]
        there = node.followed()
        return there.node.get("title") or kind(there) if fragment else title_of(place)
    value = node.node
    if "enum" in value:
        words = [f"`{w}`" if w is not None else "null" for w in value["enum"]]
        return " ".join(words) if len(words) <= 12 else f"{' '.join(words[:3])} …"
    if "anyOf" in value:
        kinds = [kind(node.part(k)) for k in value["anyOf"]]
        return " or ".join(k if k not in ("text", "text or null") or len(kinds) == 1 else f"another {k}" for k in kinds)
    if value.get("type") == "array":
        return f"list of {kind(node.part(value['items']))}" if "items" in value else "list"
    types = value.get("type", "object")
    return " or ".join(WORDS.get(t, t) for t in (types if isinstance(types, list) else [types]))


def row(name, node):
    there = node.followed().node
    unit = there.get("x-unit") or described_apart(node).get("x-unit", "")
    said = linked(there.get("description", ""))
    kinds = kind(node).replace("|", "\\|")
    return f"| `{name}` | {kinds} | {unit} | {said} |"


def described_apart(node):
    """The value of a reading, whose other members are the same for each (`$defs` with a title)."""
    there = node.followed()
    if there.node is node.node or "title" not in there.node:
        return {}
    return there.part(there.node.get("properties", {}).get("value", {})).followed().node


def inner(node):
    """The members of an object that is told where it stands; of a list, those of its elements."""
    if "$ref" in node.node:
        place, fragment = node.target()
        there = node.followed()
        return inner(there) if fragment and place != KEPT and "title" not in there.node else None
    if node.node.get("type") == "array" or node.node.get("type") == ["array", "null"]:
        return inner(node.part(node.node.get("items", {})))
    for choice in node.node.get("anyOf", []):
        if inner(node.part(choice)):
            return inner(node.part(choice))
    return node if "properties" in node.node else None


def rows(node, prefix=""):
    for name, value in node.node.get("properties", {}).items():
        member = node.part(value)
        yield row(prefix + name, member)
        below = inner(member)
        if below:
            listed = "[]" if "list" in kind(member).split()[:1] else ""
            yield from rows(below, f"{prefix}{name}{listed}.")


def members(place):
    """The table of a payload's members; empty where it has none of its own."""
    node = Node(place, schema(place))
    found = list(rows(node)) or (list(rows(inner(node))) if inner(node) else [])
    if not found:
        return []
    head = ["| member | | unit | |", "|---|---|---|---|"]
    return [*head, *found, *readings(node, head)]


def readings(node, head):
    """What all readings have, told once."""
    parts = [node.part(d) for d in node.node.get("$defs", {}).values() if "title" in d]
    if not parts:
        return []
    fullest = max(parts, key=lambda p: len(p.node["properties"])).node
    lines = ["", f"Each {fullest['title']}:", "", *head]
    for name, value in fullest["properties"].items():
        each = [node.part(p.node["properties"][name]) for p in parts if name in p.node["properties"]]
        kinds = ", ".join(dict.fromkeys(kind(e) for e in each))
        units = {e.followed().node.get("x-unit", "") for e in each}
        said = node.part(value).followed().node["description"]
        lines.append(f"| `{name}` | {kinds} | {units.pop() if len(units) == 1 else ''} | {said} |")
    return lines


def references(place):
    """The objects that a schema refers to, in order."""

    def walk(value):
        if isinstance(value, dict):
            if "$ref" in value:
                target = Node(place, value).target()[0]
                if target not in (place, KEPT):
                    yield target
            for part in value.values():
                yield from walk(part)
        elif isinstance(value, list):
            for part in value:
                yield from walk(part)

    return walk(schema(place))


def objects(places):
    """Sections of everything that the payloads refer to."""
    found, todo = {}, list(places)
    while todo:
        for target in references(todo.pop(0)):
            if target not in found and target != "flip/opaque":
                found[target] = True
                todo.append(target)
    lines = []
    order = sorted(found, key=lambda p: (schema(p)["title"]))
    titles = [schema(p)["title"] for p in order]
    assert len(set(titles)) == len(titles), f"two objects of one title: {titles}"
    for place in order:
        lines += [f"### {schema(place)['title']}", "", linked(schema(place)["description"]), ""]
        table = members(place)
        lines += [*table, ""] if table else []
    return lines[:-1]
