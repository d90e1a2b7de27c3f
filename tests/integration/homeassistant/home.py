"""A home with everything: every source mapped, a program, an event, commands; and how Home Assistant sees it."""
import json

from harness import home_config
from harness.discovery import UNKNOWN, check_home, rendered, state_of

ENERGIES = ("battery_charge", "battery_discharge", "solar", "home", "grid_import", "grid_export")
READINGS = {
    "soc": 61.5, "soh": 97, "reserve": 20, "mode": "Self-use", "grid": "on", "power": -1500, "pv": 2200, "house": 900, "net": 200,
    **{name: 1000.25 + n for n, name in enumerate(ENERGIES)},
}  # fmt: skip


def source(path, unit=None, **more):
    return {"topic": "battery/all", "path": f"/{path}", **({"unit": unit} if unit else {}), **more}


SOURCES = {
    "state_of_charge": source("soc", "%"),
    "state_of_health": source("soh", "%"),
    "backup_reserve": source("reserve", "%"),
    "mode": source("mode", map={"Self-use": "SELF_CONSUMPTION"}),
    "grid_online": source("grid"),
    "battery_power": source("power", "W", positive="charging"),
    "solar_power": source("pv", "W"),
    "home_power": source("house", "W"),
    "grid_power": source("net", "W", positive="import"),
    **{f"{name}_energy": source(name, "kWh") for name in ENERGIES},
}


def full_config(broker, sim, folder, **sections):
    config = home_config(broker, sim, folder, **sections)
    config["flip"]["poll"] = {"commands": "1s", "events": "1s", "enrollments": "1s", "programs": "1h", "site": "1h"}
    site = config["sites"][0]
    site.update(commission=True, can_auto_enroll=True, zip_code="88800")
    fields = {"manufacturer_name": "DeviceMaker", "product_name": "Model 1", "serial_number": "1", "install_date": "2022-02-22"}
    site["devices"][0].update(fields)
    site["devices"][0]["telemetry"]["sources"] = dict(SOURCES)
    site["devices"][0]["control"] = {"veto": {"topic": "house/grid_lost"}}
    return config


def feed(mqtt, **changes):
    mqtt.publish("battery/all", {**READINGS, **changes})


def configs(mqtt, since=0, prefix="homeassistant"):
    """The discovery publishes, in order, live ones only."""
    return [m for m in mqtt.messages(f"{prefix}/device/+/config", since) if not m.retain]


def held(mqtt, since=0, prefix="homeassistant"):
    """What the discovery topics hold: {topic: payload}, without those that were cleared."""
    last = {m.topic: m.payload for m in mqtt.messages(f"{prefix}/device/+/config", since)}
    return {topic: payload for topic, payload in last.items() if payload}


def components(mqtt, **where):
    """(unique_id, configuration) of everything that is announced; every payload holds to Home Assistant's rules."""
    for announced in check_home(held(mqtt, **where)).values():
        for config in announced.components.values():
            yield config["unique_id"], config


def states(mqtt, config, since=0):
    """Every state of an entity so far; each is one that Home Assistant takes without a complaint."""
    return [state_of(config, m.text, f"{config['unique_id']} <- {m.topic}") for m in mqtt.messages(config["state_topic"], since)
            if m.payload and not (m.retain and config["platform"] == "event")]  # fmt: skip


def last_state(mqtt, config):
    found = states(mqtt, config)
    return found[-1] if found else UNKNOWN


def never_known(mqtt, **where):
    """unique ids of what was never anything but unknown."""
    return {uid for uid, config in components(mqtt, **where) if all(s is UNKNOWN for s in states(mqtt, config))}


def entity(mqtt, unique_id, **where):
    return dict(components(mqtt, **where))[unique_id]


def rendered_attributes(config, message):
    """What an entity's attributes are after a message."""
    return json.loads(rendered(config["json_attributes_template"], message.text, config["unique_id"]))
