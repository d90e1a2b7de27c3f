"""The schemas of bridge/request/<operation> and bridge/response/<operation>."""
from interface import DIALECT

SCALAR = {"type": ["string", "number", "boolean"]}


def _up(operation):
    """From the schema of an operation to the folder of schemas: bridge/request/ and the levels of its name."""
    return "../" * (operation.name.count("/") + 2)


def endpoint(operation):
    if not operation.path:
        return "Answered by the bridge itself."
    return f"Calls `{operation.method} {operation.path}` with the {operation.token} token."


def _query(interface, operation):
    properties = {name: interface.query[name] for name in operation.query}
    return {
        "type": ["object", "null"],
        "description": "Parameters of the call, as Flip knows them. A list repeats the parameter.",
        **({"properties": properties} if properties else {}),
        "additionalProperties": {"anyOf": [SCALAR, {"type": "array", "items": SCALAR}]},
    }


def _ids(interface, operation):
    types = f"{_up(operation)}common/types.schema.json#/$defs/"
    ids = {}
    for name, meaning in interface.ids.items():
        if name in operation.required_ids:
            ids[name] = {"$ref": types + "id", "description": meaning}
        elif name in operation.optional_ids:
            ids[name] = {"$ref": types + "idOrNull", "description": f"{meaning} Without it: all."}
        elif operation.path:
            ids[name] = {"$ref": types + "idOrNull", "description": "Not needed here, and ignored."}
        else:
            ids[name] = {"type": "null", "description": "Not known here: it would be ignored."}
    return ids


def request(interface, operation):
    up = _up(operation)
    properties = {
        "transaction": {"$ref": f"{up}common/types.schema.json#/$defs/transaction"},
        **_ids(interface, operation),
        "query": _query(interface, operation),
    }
    required = list(operation.required_ids)
    if operation.takes_body:
        properties["body"] = {"$ref": f"{up}{operation.body}.schema.json"}
        required.append("body")
    else:
        properties["body"] = {"type": "null", "description": "It takes none."}
    return {
        "$schema": DIALECT,
        "title": f"Request {operation.name}",
        "description": f"{operation.summary} {endpoint(operation)} Group `{operation.group}` of `requests.allow`.",
        "type": "object",
        **({"required": required} if required else {}),
        "properties": properties,
        "additionalProperties": False,
    }


def _data(operation):
    place = f"{_up(operation)}{operation.list or operation.data}.schema.json"
    if not operation.path:
        return {"$ref": place}
    kinds = [{"type": "array", "items": {"$ref": place}} if operation.list else {"$ref": place}]
    if operation.list and not operation.paged:
        kinds.append({"type": "object", "description": "Should Flip put the list into an object."})
    if operation.method != "GET":
        kinds.append({"type": "null", "description": "Flip's answer had no body."})
    return {"anyOf": kinds, "description": "Flip's answer."} if len(kinds) > 1 else {**kinds[0], "description": "Flip's answer."}


def response(_interface, operation):
    types = f"{_up(operation)}common/types.schema.json#/$defs/"
    return {
        "$schema": DIALECT,
        "title": f"Response {operation.name}",
        "description": f"The one answer to a request {operation.name}: `data` where `status` is ok, else `error`.",
        "type": "object",
        "required": ["transaction", "status", "http_status"],
        "properties": {
            "transaction": {"$ref": types + "transaction"},
            "status": {"enum": ["ok", "error"], "description": "How it went.", "examples": ["ok"]},
            "http_status": {
                "type": ["integer", "null"],
                "minimum": 100,
                "maximum": 599,
                "description": "Flip's HTTP status; null where nothing was sent or nothing came back.",
                "examples": [200],
            },
            "data": _data(operation),
            "error": {"type": "string", "minLength": 1, "description": "What is wrong, with Flip's own message.",
                      "examples": ["missing site_id"]},
        },
        "additionalProperties": False,
        "maxProperties": 4,
        "if": {"properties": {"status": {"const": "ok"}}},
        "then": {"required": ["data"]},
        "else": {"required": ["error"]},
    }  # fmt: skip


def schemas(interface):
    """(place, schema) of each."""
    for operation in interface.operations:
        yield f"bridge/request/{operation.name}", request(interface, operation)
        yield f"bridge/response/{operation.name}", response(interface, operation)
