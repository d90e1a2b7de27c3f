"""Everything below the base topic, with the flags that it was published with, and what the interface says of it."""
import pathlib
import re
import sys
import urllib.parse

import paho.mqtt.client as paho
import yaml
from harness import Mqtt, until
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "conformance"))
from schemas import complaints, place_of  # noqa: E402, F401

BASE = "flip2mqtt/"
DOCUMENT = yaml.load((ROOT / "mqtt-schemas" / "asyncapi.yaml").read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def target(reference):
    node = DOCUMENT
    for part in reference["$ref"][2:].split("/"):
        node = node[part]
    return node


class Channel:
    """A channel of the document, and what the bridge does with it: send, receive, reply."""

    def __init__(self, name, channel):
        self.name, self.address = name, channel["address"]
        self.pattern = re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(self.address)))
        self.action, self.retain = None, False
        for operation in DOCUMENT["operations"].values():
            if operation["channel"]["$ref"] == f"#/channels/{name}":
                self.action, self.retain = operation["action"], operation["bindings"]["mqtt"]["retain"]
                self.expires = "messageExpiryInterval" in operation["bindings"]["mqtt"]
            if operation.get("reply", {}).get("channel") == {"$ref": f"#/channels/{name}"}:
                self.action, self.expires = "reply", False
        (message,) = channel["messages"].values()
        self.place = target(message)["payload"]["$ref"][2 : -len(".schema.json")]

    @property
    def filter(self):
        """As a subscription."""
        return re.sub(r"\{\w+\}", "+", self.address)


CHANNELS = [Channel(name, channel) for name, channel in DOCUMENT["channels"].items()]


def channel_of(topic):
    found = [c for c in CHANNELS if c.pattern.fullmatch(topic)]
    assert len(found) == 1, f"{topic} is described by {len(found)} channels of the AsyncAPI document"
    return found[0]


class Recorder(Mqtt):
    """Subscribed so that the broker leaves the retain flag as it was published."""

    def __init__(self, broker):
        self.raw = []
        super().__init__(broker)
        options = paho.SubscribeOptions(qos=1, retainAsPublished=True)
        _, mid = self.client.subscribe(BASE + "#", options=options)
        with self._arrived:
            assert self._arrived.wait_for(lambda: mid in self._granted, 10)

    def _on_message(self, client, userdata, message):
        self.raw.append(message)
        super()._on_message(client, userdata, message)

    def send(self, topic, payload, answers, about):
        """A request with MQTT 5 properties, which need not be with the broker when this returns."""
        properties = Properties(PacketTypes.PUBLISH)
        properties.ResponseTopic, properties.CorrelationData = answers, about
        self.client.publish(topic, payload, 1, properties=properties)

    def answers(self, topic, count):
        """{correlation: answer} when so many came."""

        def come():
            return {m.correlation: m.json() for m in self.messages(topic)}

        until(lambda: len(come()) >= count, 30, lambda: f"{count} answers, there are {len(come())}")
        return come()

    def check(self):
        """Every message of the bridge is as the interface says; returns the places of the topics seen."""
        seen, wrong = set(), []
        for message in [m for m in self.raw if m.topic.startswith(BASE)]:
            channel = channel_of(message.topic)
            assert place_of(message.topic[len(BASE) :]) == channel.place, message.topic
            seen.add(channel.place)
            if channel.action == "receive":
                continue  # from the test
            if message.retain != channel.retain or message.qos != 1:
                wrong.append(f"{message.topic}: retain {message.retain}, QoS {message.qos}")
            if hasattr(message.properties, "MessageExpiryInterval") != channel.expires:
                wrong.append(f"{message.topic}: expiry {message.properties}")
            if message.payload == b"" and channel.retain:
                continue  # cleared: its owner left the configuration
            for complaint in complaints(channel.place, message.payload):
                wrong.append(f"{message.topic}: {complaint}\n    {message.payload[:2000].decode()}")
        assert not wrong, "\n".join(wrong[:20])
        return seen


def quote(text):
    return urllib.parse.quote(text, safe="")
