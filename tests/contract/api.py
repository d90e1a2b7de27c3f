"""What openapi.yaml says: the endpoints (method, path, token kind, operation) and the bodies of webhooks."""
import collections
import functools
import pathlib
import re
import urllib.parse

import jsonschema
import yaml

DOCUMENT = pathlib.Path(__file__).with_name("openapi.yaml")
METHODS = ("get", "post", "patch", "put", "delete")
Endpoint = collections.namedtuple("Endpoint", "method path token operation")


@functools.cache
def endpoints():
    """In the document's order."""
    return tuple(_read())


@functools.cache
def document():
    return yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))


def news_problems(payload):
    """What is wrong with the body of a webhook; []. Prism looks at calls alone."""
    schema = {**document(), "$ref": "#/components/schemas/Webhook"}
    errors = jsonschema.Draft202012Validator(schema).iter_errors(payload)
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in errors]


def _read():
    paths = document()["paths"]
    for path, item in paths.items():
        for method in METHODS:
            if method in item:
                ((scheme,),) = item[method]["security"]
                yield Endpoint(method.upper(), path, scheme.removesuffix("_token"), item[method]["operationId"])


def match(method, path):
    """The endpoint of a request (path undecoded, without query), or None."""
    for endpoint in endpoints():
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(endpoint.path))
        if endpoint.method == method and re.fullmatch(pattern, path):
            return endpoint
    return None


def encoded(text):
    """As in topics and URLs: all but RFC 3986 unreserved."""
    return urllib.parse.quote(text, safe="-._~")
