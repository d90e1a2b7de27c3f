"""What Home Assistant would make of discovery payloads: its rules, and its states.

Written from Home Assistant's documentation and the schemas of its mqtt, sensor and binary_sensor integrations (2024.12
to 2026.6), and stricter: a key that it would drop without a word, or a template that would write a warning into its
log, is a fault here.
"""
import datetime
import json
import math
import re

import jinja2.sandbox

# Short and long names, as far as they may occur in ours.
ENTITY_KEYS = {
    "p": "platform", "name": "name", "uniq_id": "unique_id", "default_entity_id": "default_entity_id",
    "stat_t": "state_topic", "cmd_t": "command_topic", "val_tpl": "value_template", "json_attr_t": "json_attributes_topic",
    "json_attr_tpl": "json_attributes_template", "dev_cla": "device_class", "unit_of_meas": "unit_of_measurement",
    "stat_cla": "state_class", "ops": "options", "lrst_val_tpl": "last_reset_value_template", "ic": "icon",
    "suggested_display_precision": "suggested_display_precision", "ent_cat": "entity_category", "en": "enabled_by_default",
    "pl_on": "payload_on", "pl_off": "payload_off", "opt": "optimistic", "event_types": "event_types",
    "exp_aft": "expire_after", "avty": "availability", "avty_mode": "availability_mode", "avty_t": "availability_topic",
    "qos": "qos",
}  # fmt: skip
ROOT_KEYS = {
    "dev": "device", "o": "origin", "cmps": "components", "avty": "availability", "avty_mode": "availability_mode",
    "avty_t": "availability_topic", "qos": "qos", "stat_t": "state_topic", "cmd_t": "command_topic", "e": "encoding",
}  # fmt: skip
DEVICE_KEYS = {
    "ids": "identifiers", "cns": "connections", "name": "name", "mf": "manufacturer", "mdl": "model", "mdl_id": "model_id",
    "sn": "serial_number", "sw": "sw_version", "hw": "hw_version", "cu": "configuration_url", "sa": "suggested_area",
    "via_device": "via_device",
}  # fmt: skip
ORIGIN_KEYS = {"name": "name", "sw": "sw_version", "url": "support_url"}
AVAILABILITY_KEYS = {"t": "topic", "pl_avail": "payload_available", "pl_not_avail": "payload_not_available",
                     "val_tpl": "value_template"}  # fmt: skip

COMMON = {"platform", "name", "unique_id", "default_entity_id", "state_topic", "value_template", "json_attributes_topic",
          "json_attributes_template", "device_class", "icon", "entity_category", "enabled_by_default", "availability",
          "availability_mode", "availability_topic", "qos"}  # fmt: skip
PLATFORMS = {
    "sensor": COMMON | {"unit_of_measurement", "state_class", "options", "last_reset_value_template", "expire_after",
                        "suggested_display_precision"},
    "binary_sensor": COMMON | {"payload_on", "payload_off", "expire_after"},
    "switch": COMMON | {"command_topic", "payload_on", "payload_off", "optimistic"},
    "event": COMMON | {"event_types"},
}  # fmt: skip

ENERGY = {"J", "kJ", "MJ", "GJ", "mWh", "Wh", "kWh", "MWh", "GWh", "TWh", "cal", "kcal", "Mcal", "Gcal"}
# device class of a sensor: (units, state classes). A state class may always be left out.
SENSOR_CLASSES = {
    None: (None, {"measurement", "total", "total_increasing"}),
    "battery": ({"%"}, {"measurement"}),
    "power": ({"mW", "W", "kW", "MW", "GW", "TW"}, {"measurement"}),
    "energy": (ENERGY, {"total", "total_increasing"}),
    "energy_storage": (ENERGY, {"measurement"}),
    "duration": ({"d", "h", "min", "s", "ms", "µs"}, {"measurement", "total", "total_increasing"}),
    "data_size": ({"bit", "kbit", "Mbit", "Gbit", "B", "kB", "MB", "GB", "TB"}, {"measurement", "total", "total_increasing"}),
    "monetary": ({"USD"}, {"total"}),  # any ISO 4217 code; Flip pays in dollars
    "timestamp": ({None}, set()),
    "enum": ({None}, set()),
}
BINARY_CLASSES = {None, "connectivity", "power", "problem", "running", "battery_charging"}

TOPIC = re.compile(r"(?P<prefix>.+)/device/(?P<object_id>[a-zA-Z0-9_-]+)/config")
ASCII_ID = re.compile(r"[\x21-\x7e]+")
ENTITY_ID = re.compile(r"(?P<domain>[a-z_]+)\.(?!_)[a-z0-9_]+(?<!_)")
ICON = re.compile(r"mdi:[a-z0-9-]+")
MAX_ATTRIBUTES = 16384  # more the recorder does not keep
MAX_PAYLOAD = 20000  # far below what brokers with a limit have (ESP32 brokers aside, 64 KiB)


class Fault(AssertionError):
    """What Home Assistant would not take, or not as meant."""


def need(condition, text):
    if not condition:
        raise Fault(text)


def long_names(payload, names, where):
    need(isinstance(payload, dict), f"{where}: expected a map")
    unknown = set(payload) - set(names) - set(names.values())
    need(not unknown, f"{where}: unknown keys {sorted(unknown)}")
    known = {names.get(key, key): value for key, value in payload.items()}
    need(len(known) == len(payload), f"{where}: a key both short and long")
    return known


def is_text(value):
    return isinstance(value, str) and value != ""


def check_topic(topic, where, filters=False):
    need(is_text(topic) and len(topic.encode()) <= 65535 and "\0" not in topic, f"{where}: no topic: {topic!r}")
    need(filters or not set("+#") & set(topic), f"{where}: a filter, not a topic: {topic}")


def check_availability(config, where):
    need(not ("availability" in config and "availability_topic" in config), f"{where}: availability and availability_topic")
    for entry in config.get("availability", []):
        entry = long_names(entry, AVAILABILITY_KEYS, f"{where} availability")
        check_topic(entry.get("topic"), f"{where} availability")


def check_sensor(config, where):
    device_class, unit, state_class = (config.get(k) for k in ("device_class", "unit_of_measurement", "state_class"))
    need(device_class in SENSOR_CLASSES, f"{where}: no such device class: {device_class}")
    units, state_classes = SENSOR_CLASSES[device_class]
    need(units is None or unit in units, f"{where}: unit {unit} does not go with {device_class}")
    need(state_class is None or state_class in state_classes, f"{where}: {state_class} does not go with {device_class}")
    need(("options" in config) == (device_class == "enum"), f"{where}: options and enum go together")
    if "options" in config:
        options = config["options"]
        need(options and all(is_text(o) for o in options), f"{where}: options are texts, at least one")
        need(len(set(options)) == len(options), f"{where}: the same option twice")
    need("last_reset_value_template" not in config or state_class == "total", f"{where}: last_reset without total")
    need(config.get("entity_category") in (None, "diagnostic"), f"{where}: a sensor may only be diagnostic")
    precision = config.get("suggested_display_precision", 0)
    need(isinstance(precision, int) and precision >= 0, f"{where}: precision {precision!r}")
    need("suggested_display_precision" not in config or numeric(config), f"{where}: precision of no number")


def check_binary_sensor(config, where):
    need(config.get("device_class") in BINARY_CLASSES, f"{where}: no such device class: {config.get('device_class')}")
    need(config.get("entity_category") in (None, "diagnostic"), f"{where}: a binary sensor may only be diagnostic")
    need(config.get("payload_on", "ON") != config.get("payload_off", "OFF"), f"{where}: on is off")


def check_switch(config, where):
    check_topic(config.get("command_topic"), f"{where} command_topic")
    need(config["command_topic"] != config["state_topic"], f"{where}: commands are states")
    need(config.get("optimistic", False) is False, f"{where}: shows what was wished, not what is")
    need(config.get("entity_category") in (None, "config"), f"{where}: a switch may not be diagnostic")
    need(config.get("qos") == 1, f"{where}: a command at QoS 0 may be lost")


def check_event(config, where):
    types = config.get("event_types")
    need(types and all(is_text(t) for t in types), f"{where}: event_types are texts, at least one")
    need(len(set(types)) == len(types), f"{where}: the same type twice")
    need(config.get("qos") == 1, f"{where}: an event at QoS 0 may be lost")
    need(config.get("entity_category") in (None, "diagnostic"), f"{where}: an event may only be diagnostic")


CHECKS = {"sensor": check_sensor, "binary_sensor": check_binary_sensor, "switch": check_switch, "event": check_event}


def check_component(name, raw, where):
    """The configuration under long names."""
    need(ASCII_ID.fullmatch(name), f"{where}: key {name!r}")
    need("object_id" not in raw and "obj_id" not in raw, f"{where}: object_id is on its way out")
    config = long_names(raw, ENTITY_KEYS, where)
    platform = config.get("platform")
    need(platform in PLATFORMS, f"{where}: platform {platform!r}")
    need(len(config) > 1, f"{where}: nothing but its platform: that removes it")
    extra = set(config) - PLATFORMS[platform]
    need(not extra, f"{where}: not for a {platform}: {sorted(extra)}")
    need(is_text(config.get("unique_id")) and ASCII_ID.fullmatch(config["unique_id"]), f"{where}: unique_id")
    entity = ENTITY_ID.fullmatch(config.get("default_entity_id", ""))
    need(entity and entity["domain"] == platform, f"{where}: default_entity_id {config.get('default_entity_id')!r}")
    need(is_text(config.get("name")), f"{where}: name")
    need(config["name"][0].isupper(), f"{where}: name {config['name']!r}")
    check_topic(config.get("state_topic"), f"{where} state_topic")
    check_availability(config, where)
    need("icon" not in config or ICON.fullmatch(config["icon"]), f"{where}: icon {config.get('icon')!r}")
    need(config.get("enabled_by_default", True) in (True, False), f"{where}: enabled_by_default")
    need(("json_attributes_template" in config) <= ("json_attributes_topic" in config), f"{where}: attributes of no topic")
    for key in ("value_template", "json_attributes_template", "last_reset_value_template"):
        if key in config:
            compiled(config[key], where)
    CHECKS[platform](config, where)
    return config


def check_device(payload, where):
    device = long_names(payload, DEVICE_KEYS, f"{where} device")
    ids = device.get("identifiers")
    need(isinstance(ids, list) and ids and all(is_text(i) and ASCII_ID.fullmatch(i) for i in ids), f"{where}: identifiers")
    need(all(is_text(v) for k, v in device.items() if k != "identifiers"), f"{where}: device has an empty text or no text")
    need("name" in device, f"{where}: device without a name")
    return device


class Announced:
    """One discovery payload, checked: `device`, `components` {key: configuration under long names}, `removed` {key:
    platform} of components that it takes away."""

    def __init__(self, topic, payload):
        where = TOPIC.fullmatch(topic)
        need(where, f"{topic}: no device discovery topic")
        self.topic, self.object_id, self.size = topic, where["object_id"], len(payload)
        need(self.size <= MAX_PAYLOAD, f"{topic}: {self.size} bytes")
        root = long_names(json.loads(payload), ROOT_KEYS, topic)
        need({"device", "origin", "components"} <= set(root), f"{topic}: device, origin and components are needed")
        self.device = check_device(root["device"], topic)
        need(self.device["identifiers"] == [self.object_id], f"{topic}: identifiers {self.device['identifiers']}")
        self.origin = long_names(root["origin"], ORIGIN_KEYS, f"{topic} origin")
        need(is_text(self.origin.get("name")), f"{topic}: origin without a name")
        need(root.get("availability_mode") == "all", f"{topic}: availability_mode is not all")
        check_availability(root, topic)
        need(root.get("qos", 0) in (0, 1, 2), f"{topic}: qos")
        self.root = root
        self.components, self.removed = {}, {}
        for key, raw in root["components"].items():
            if set(raw) in ({"p"}, {"platform"}):
                self.removed[key] = next(iter(raw.values()))
            else:
                self.components[key] = check_component(key, raw, f"{topic} {key}")
                name = self.components[key]["name"]
                need(not name.lower().startswith(self.device["name"].lower()), f"{topic} {key}: the device's name twice: {name}")

    def availability(self, key):
        """The topics that decide on an entity's availability."""
        entries = self.components[key].get("availability", self.root.get("availability", []))
        return [entry.get("t", entry.get("topic")) for entry in entries]


def check_home(payloads):
    """{topic: payload} of all that is announced: checked one by one, and as a whole. {topic: Announced}."""
    home = {topic: Announced(topic, payload) for topic, payload in payloads.items()}
    identifiers = {i for a in home.values() for i in a.device["identifiers"]}
    seen = {}
    for a in home.values():
        via = a.device.get("via_device")
        need(via is None or via in identifiers - set(a.device["identifiers"]), f"{a.topic}: via_device {via} is not announced")
        for key, config in a.components.items():
            for what in ("unique_id", "default_entity_id"):
                name = (config["platform"] if what == "unique_id" else "", config[what])
                need(name not in seen, f"{a.topic} {key}: {what} {name[1]} stands for {seen.get(name)} too")
                seen[name] = (a.topic, key)
    return home


# ---- states ----

ENVIRONMENT = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
UNKNOWN = None


def compiled(template, where):
    try:
        return ENVIRONMENT.from_string(template)
    except jinja2.TemplateSyntaxError as error:
        raise Fault(f"{where}: {error}: {template}") from None


def rendered(template, payload, where):
    """A template as Home Assistant fills it in: `value`, and `value_json` where the payload is JSON."""
    values = {"value": payload}
    try:
        values["value_json"] = json.loads(payload)
    except ValueError:
        pass
    try:
        return compiled(template, where).render(values).strip()
    except jinja2.TemplateError as error:
        raise Fault(f"{where}: {error}\n  {template}\n  {payload}") from None


def numeric(config):
    """As Home Assistant decides whether a sensor's state is a number."""
    if config.get("device_class") in ("enum", "timestamp"):
        return False
    return any(config.get(k) is not None for k in ("state_class", "unit_of_measurement", "device_class",
                                                   "suggested_display_precision"))  # fmt: skip


def instant(text, where):
    try:
        time = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise Fault(f"{where}: no time: {text!r}") from None
    need(time.tzinfo is not None, f"{where}: a time without offset: {text}")
    return time


def number(text, where):
    need(re.fullmatch(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", text), f"{where}: no number: {text!r}")
    need(math.isfinite(float(text)), f"{where}: {text}")
    return float(text)


def sensor_state(config, text, where):
    if text == "None":
        return UNKNOWN
    if numeric(config):
        return number(text, where)
    need(text != "" and len(text) <= 255, f"{where}: {len(text)} characters")
    if config.get("device_class") == "timestamp":
        return instant(text, where)
    need("options" not in config or text in config["options"], f"{where}: {text!r} is not among {config.get('options')}")
    return text


def binary_state(config, text, where):
    states = {config.get("payload_on", "ON"): True, config.get("payload_off", "OFF"): False, "None": UNKNOWN}
    need(text in states, f"{where}: neither on, off nor None: {text!r}")
    return states[text]


def event_state(config, text, where):
    event = json.loads(text)
    need(isinstance(event, dict), f"{where}: no object: {text}")
    need(event.get("event_type") in config["event_types"], f"{where}: event_type {event.get('event_type')!r}")
    return event["event_type"]


STATES = {"sensor": sensor_state, "binary_sensor": binary_state, "switch": binary_state, "event": event_state}


def state_of(config, payload, where=None):
    """The state that a payload on the entity's topic gives: UNKNOWN, a number, a time, a text, True or False. A Fault
    where Home Assistant would write a complaint into its log, or show something else than was meant."""
    where = where or config["unique_id"]
    text = rendered(config["value_template"], payload, where) if "value_template" in config else payload
    state = STATES[config["platform"]](config, text, where)
    if "json_attributes_template" in config:
        text = rendered(config["json_attributes_template"], payload, f"{where} attributes")
        need(len(text.encode()) <= MAX_ATTRIBUTES, f"{where}: {len(text)} characters of attributes")
        attributes = json.loads(text)
        need(isinstance(attributes, dict), f"{where}: attributes are no object")
    if "last_reset_value_template" in config:
        instant(rendered(config["last_reset_value_template"], payload, f"{where} last_reset"), f"{where} last_reset")
    return state
