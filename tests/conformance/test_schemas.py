"""The schemas are what they claim to be, every good example fits, and every bad one does not, for the reason that is
stated."""
import json
import re

import jsonschema
import pytest
from schemas import DECODED_PARTS, EXAMPLES, SCHEMAS, bad, complaints, good, is_text, load, parse, places, pointer
from schemas import reason, reasons, topics, validator

TRIED = [*topics(), *DECODED_PARTS]
GOOD = [e for place in TRIED for e in good(place)]
BAD = [e for place in TRIED for e in bad(place)]
BOTH = (jsonschema.Draft202012Validator, jsonschema.Draft7Validator)
# What draft 2020-12 and draft 7 (AsyncAPI's) mean alike, and our units.
WORDS = {
    "$schema", "$defs", "$ref", "title", "description", "examples", "type", "enum", "const", "pattern", "minLength",
    "maxLength", "minimum", "maximum", "exclusiveMinimum", "properties", "required", "additionalProperties",
    "minProperties", "maxProperties", "items", "minItems", "maxItems", "anyOf", "allOf", "if", "then", "else", "x-unit",
}  # fmt: skip
ANNOTATIONS = {"$ref", "$schema", "title", "description", "examples"}


def name(example):
    return example.name


def nodes(schema, where=""):
    """Every schema in a schema."""
    if not isinstance(schema, dict):
        return
    yield where, schema
    for word in ("properties", "$defs"):
        for key, value in schema.get(word, {}).items():
            yield from nodes(value, f"{where}/{word}/{key}")
    for word in ("items", "additionalProperties", "if", "then", "else"):
        yield from nodes(schema.get(word), f"{where}/{word}")
    for word in ("anyOf", "allOf"):
        for n, value in enumerate(schema.get(word, [])):
            yield from nodes(value, f"{where}/{word}/{n}")


@pytest.mark.parametrize("place", places())
def test_a_schema_is_valid_in_both_dialects(place):
    schema = load(place)
    for dialect in BOTH:
        dialect.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema.get("title") and schema.get("description"), place
    for where, node in nodes(schema):
        assert set(node) <= WORDS, f"{place}{where}: {set(node) - WORDS}"
        assert "$ref" not in node or set(node) <= ANNOTATIONS, f"{place}{where}: draft 7 ignores what stands beside $ref"


def described(place, node):
    """The node with what it refers to."""
    if "$ref" not in node:
        return node
    with validator(place).resolver.resolving(node["$ref"]) as target:
        return {**described(place, target), **{k: v for k, v in node.items() if k != "$ref"}}


@pytest.mark.parametrize("place", places())
def test_every_member_is_described(place):
    for where, node in nodes(load(place)):
        if re.search(r"/(if|then|else)(/|$)", where):
            continue
        for member, value in node.get("properties", {}).items():
            value = described(place, value)
            assert value.get("description"), f"{place}{where}/{member} has no description"
            scalar = set(value.get("type", [])) & {"string", "number", "integer", "boolean"} if isinstance(
                value.get("type"), list) else value.get("type") in ("string", "number", "integer", "boolean")  # fmt: skip
            if scalar and not place.startswith("bridge/re"):
                assert value.get("examples") or "enum" in value, f"{place}{where}/{member} has no example"
            unit = re.search(r"_(w|wh|s|percentage)$", member)
            if scalar and unit:
                expected = {"w": "W", "wh": "Wh", "s": "s", "percentage": "%"}[unit.group(1)]
                assert value.get("x-unit") == expected, f"{place}{where}/{member}: {value.get('x-unit')}"


def test_every_reference_leads_somewhere():
    for place in places():
        for where, node in nodes(load(place)):
            if "$ref" in node:
                with validator(place).resolver.resolving(node["$ref"]) as target:
                    assert target, f"{place}{where}"


@pytest.mark.parametrize("place", TRIED)
def test_there_are_examples(place):
    assert good(place) and bad(place), place
    assert is_text(place) == all(e.path.suffix == ".txt" for e in good(place))


def test_no_example_lies_where_no_schema_is():
    tried = {e.path for e in [*GOOD, *BAD]}
    there = {p for p in EXAMPLES.rglob("*") if p.is_file() and p.name != "reasons.yaml"}
    assert there == tried, sorted(map(str, there ^ tried))


@pytest.mark.parametrize("example", GOOD, ids=name)
def test_a_good_example_fits(example):
    for dialect in BOTH:
        assert complaints(example.place, example.payload, dialect) == []


def accuses(error, where, words):
    """The error, or one that it consists of, is the stated one."""
    if pointer(error) == where and error.validator in words.split("|"):
        return True
    return any(accuses(part, where, words) for part in error.context or [])


@pytest.mark.parametrize("example", BAD, ids=name)
def test_a_bad_example_does_not_fit_for_the_stated_reason(example):
    stated = reason(example)
    assert stated["why"]
    if "keyword" not in stated:
        assert complaints(example.place, example.payload)[0].startswith("no JSON"), "it is JSON after all"
        return
    value = parse(example.place, example.payload)
    for dialect in BOTH:
        errors = list(validator(example.place, dialect).iter_errors(value))
        assert errors, "it fits"
        assert any(accuses(e, stated["at"], stated["keyword"]) for e in errors), [(pointer(e), e.validator) for e in errors]


def test_every_reason_has_its_example():
    there = {str(e.path.relative_to(EXAMPLES / "bad")) for e in BAD}
    assert set(reasons()) == there, set(reasons()) ^ there


def test_json_is_written_alike():
    for path in [*SCHEMAS.rglob("*.schema.json"), *EXAMPLES.rglob("*.json")]:
        text = path.read_text(encoding="utf-8")
        if path.name != "configuration.schema.json":
            assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n", path
