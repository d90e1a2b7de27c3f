"""A client that remembers every message it got, and can wait for one."""
import json
import threading

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from harness.process import PATIENCE, until


class Message:
    def __init__(self, message):
        self.topic, self.payload, self.retain = message.topic, message.payload, bool(message.retain)
        properties = getattr(message, "properties", None)
        self.correlation = getattr(properties, "CorrelationData", None)
        self.expiry_s = getattr(properties, "MessageExpiryInterval", None)

    @property
    def text(self):
        return self.payload.decode()

    def json(self):
        return json.loads(self.payload)

    def __repr__(self):
        return f"<{self.topic}{' retained' if self.retain else ''} {self.payload[:200]!r}>"


class Mqtt:
    """Connected when the constructor returns, and again by itself, with its subscriptions, when the broker comes back.
    `tls` is an Authority, `certificate` a (certificate, key) pair."""

    def __init__(self, broker, *filters, username=None, password=None, certificate=None, client_id="", version=5):
        protocol = paho.MQTTv5 if version == 5 else paho.MQTTv311
        self.seen = []
        self.filters = set()
        self.version = version
        self._arrived = threading.Condition()
        self._granted = {}
        self._connack = None
        clean = {} if version == 5 else {"clean_session": True}
        self.client = paho.Client(client_id, protocol=protocol, **clean)
        self.client.on_message = self._on_message
        self.client.on_subscribe = self._on_subscribe
        self.client.on_connect = self._on_connect
        if username is not None:
            self.client.username_pw_set(username, password)
        if broker.tls:
            cert, key = certificate or (None, None)
            self.client.tls_set(str(broker.tls.certificate), cert and str(cert), key and str(key))
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        until(lambda: self._connack is not None, what="CONNACK")
        assert str(self._connack) in ("0", "Success"), f"the broker refused the test's client: {self._connack}"
        if filters:
            self.subscribe(*filters)

    def _on_connect(self, client, userdata, flags, reason, properties=None):
        if self._connack is not None and self.filters:
            client.subscribe([(f, 1) for f in self.filters])
        self._connack = reason

    def _on_message(self, client, userdata, message):
        with self._arrived:
            self.seen.append(Message(message))
            self._arrived.notify_all()

    def _on_subscribe(self, client, userdata, mid, granted, properties=None):
        with self._arrived:
            self._granted[mid] = granted
            self._arrived.notify_all()

    def subscribe(self, *filters):
        """Returns when the broker has granted all of them."""
        result, mid = self.client.subscribe([(f, 1) for f in filters])
        assert result == paho.MQTT_ERR_SUCCESS, paho.error_string(result)
        with self._arrived:
            assert self._arrived.wait_for(lambda: mid in self._granted, 10 * PATIENCE), "no SUBACK"
            codes = [getattr(c, "value", c) for c in self._granted[mid]]
        assert all(c < 0x80 for c in codes), f"subscription refused: {dict(zip(filters, codes))}"
        self.filters.update(filters)

    def publish(self, topic, payload="", retain=False, qos=1, response_topic=None, correlation=None):
        """Text and bytes go as they are, anything else as JSON. Returns when the broker has it (QoS 1)."""
        if not isinstance(payload, (str, bytes)):
            payload = json.dumps(payload)
        properties = None
        if response_topic or correlation:
            properties = Properties(PacketTypes.PUBLISH)
            if response_topic:
                properties.ResponseTopic = response_topic
            if correlation:
                properties.CorrelationData = correlation
        sent = self.client.publish(topic, payload, qos, retain, **({"properties": properties} if properties else {}))
        sent.wait_for_publish(10 * PATIENCE)
        assert sent.is_published(), f"the broker did not take {topic}"

    def mark(self):
        """A place in the recording: since=mark leaves out what came before."""
        with self._arrived:
            return len(self.seen)

    def messages(self, topic, since=0):
        """All that came on a topic (or filter), in order."""
        with self._arrived:
            return [m for m in self.seen[since:] if paho.topic_matches_sub(topic, m.topic)]

    def last(self, topic):
        found = self.messages(topic)
        return found[-1] if found else None

    def wait_for(self, topic, predicate=None, timeout=15, since=0):
        """The first message on a topic (or filter) for which predicate(message) holds. `predicate` may be a text too:
        then the payload must equal it."""
        if isinstance(predicate, str):
            text = predicate
            predicate = lambda m: m.payload == text.encode()  # noqa: E731
        holds = predicate or (lambda m: True)

        def first():
            return next((m for m in self.messages(topic, since) if holds(m)), None)

        with self._arrived:
            found = self._arrived.wait_for(first, timeout * PATIENCE)
        if found is None:
            raise AssertionError(f"no such message on {topic} within {timeout} s; there: {self.messages(topic, since)[-5:]}")
        return found

    def request(self, operation, body=None, base="flip2mqtt", timeout=15):
        """bridge/request/<operation>, and the answer with the same transaction."""
        answer = f"{base}/bridge/response/{operation}"
        if not any(paho.topic_matches_sub(f, answer) for f in self.filters):  # a second one would double the messages
            self.subscribe(answer)
        since, transaction = self.mark(), f"t{self.mark()}"
        self.publish(f"{base}/bridge/request/{operation}", {"transaction": transaction, **(body or {})})
        return self.wait_for(answer, lambda m: m.json().get("transaction") == transaction, timeout, since).json()

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
