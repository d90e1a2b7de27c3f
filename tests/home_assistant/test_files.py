"""The blueprints and the dashboard of config/home-assistant: Home Assistant's present syntax, topics that the interface
has, templates that give what is meant on the payloads of mqtt-schemas/examples, entities that discovery announces."""
import datetime
import json
import pathlib
import re

import jinja2
import jsonschema
import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "config/home-assistant"
EXAMPLES = ROOT / "mqtt-schemas/examples/good"
GOLDEN = ROOT / "tests/unit/homeassistant/golden"
BLUEPRINTS = sorted((FOLDER / "blueprints").glob("*.yaml"))
COMMAND_ID = "497f6eca-6276-4993-bfeb-53cbbbba6f08"
EVENT_ID = "a7a26ff2-e851-45b6-9634-d595f45458b7"


class Input(str):
    """!input NAME"""


class Loader(yaml.SafeLoader):
    """Duplicate keys are errors, !input is known, any other tag is an error."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"duplicate key at {node.start_mark}"
        return super().construct_mapping(node, deep)


Loader.add_constructor("!input", lambda loader, node: Input(loader.construct_scalar(node)))


def load(path):
    return yaml.load(path.read_text(encoding="utf-8"), Loader)


def walk(value, path=()):
    """(path, value) of every node."""
    yield path, value
    if isinstance(value, dict):
        for key, below in value.items():
            yield from walk(below, (*path, key))
    elif isinstance(value, list):
        for n, below in enumerate(value):
            yield from walk(below, (*path, n))


def inputs_of(section):
    """{name: what is declared}, out of the sections too."""
    found = {}
    for name, one in section.items():
        if "input" in one:
            assert set(one) <= {"name", "description", "icon", "collapsed", "input"}, one
            inner = inputs_of(one["input"])
            assert not one.get("collapsed") or all("default" in i for i in inner.values()), f"{name}: a collapsed input has no default"
            found.update(inner)
        else:
            found[name] = one
    return found


# ---- a stand-in for Home Assistant's templates: the filters that the files use, strict about names ----


def as_datetime(value):
    return value if isinstance(value, datetime.datetime) else datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))


ZONE = datetime.timezone(datetime.timedelta(hours=-7))
NOW = datetime.datetime(2026, 6, 1, 11, 0, tzinfo=datetime.timezone.utc)


def environment():
    env = jinja2.Environment(undefined=jinja2.StrictUndefined)
    env.filters.update(
        as_datetime=as_datetime,
        as_local=lambda t: t.astimezone(ZONE),
        as_timestamp=lambda t: as_datetime(t).timestamp(),
        to_json=json.dumps,
    )
    env.globals.update(now=lambda: NOW, state_attr=lambda entity, name: attributes_of(entity)[name])
    return env


def entities():
    """{entity id: its configuration} of everything that discovery announces."""
    return {
        c["default_entity_id"]: c
        for path in GOLDEN.glob("*.json")
        for c in json.loads(path.read_text(encoding="utf-8"))["cmps"].values()
        if "default_entity_id" in c
    }


def attributes_of(entity):
    """The attributes that an entity of a battery gets of what its topic says while nothing is heard."""
    config = entities()[entity]
    assert config["json_attr_t"].endswith("/state"), config
    return json.loads(ENV.from_string(config["json_attr_tpl"]).render(value_json=example("device/state/nothing-heard")))


ENV = environment()


def render(template, variables):
    """As Home Assistant does it: what looks like a value becomes one; other things stay as they are."""
    if not isinstance(template, str):
        return template
    text = ENV.from_string(template).render(variables)
    if "{{" not in template:
        return template
    try:
        value = yaml.safe_load(text) if re.fullmatch(r"-?\d+(\.\d+)?|True|False|None|\{.*\}|\[.*\]", text.strip(), re.S) else text.strip()
    except yaml.YAMLError:
        value = text.strip()
    return None if text.strip() == "None" else value


def render_variables(section, values):
    """Each one may use those before it. What comes of an expression alone keeps its type."""
    for name, template in section.items():
        if isinstance(template, Input):
            assert template in values, f"{name}: no value for the input {template}"
            values[name] = values[template]
            continue
        alone = re.fullmatch(r"\{\{(.*)\}\}", str(template).strip(), re.S)
        if alone and "}}" not in alone.group(1):
            values[name] = ENV.compile_expression(alone.group(1), undefined_to_none=False)(**values)
            assert not isinstance(values[name], jinja2.Undefined), f"{name} is undefined: {template}"
        else:
            values[name] = render(template, values)
    return values


def example(name):
    return json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def trigger_of(payload, id=None):
    return dict(payload_json=payload, payload=json.dumps(payload), id=id)


def values_for(blueprint, **given):
    """The inputs: their defaults, and what is given."""
    values = {name: one["default"] for name, one in inputs_of(blueprint["blueprint"]["input"]).items() if "default" in one}
    values.update(given)
    return values


def begun(blueprint, values):
    """The variables that the first action sets: there is a context from then on, not before (Home Assistant fills in an
    automation's own variables and conditions without one)."""
    return render_variables(blueprint["actions"][0]["variables"], {**values, "context": dict(id="01CONTEXT")})


# ---- every blueprint ----


@pytest.fixture(params=BLUEPRINTS, ids=lambda path: path.stem)
def blueprint(request):
    return load(request.param)


def test_there_are_blueprints():
    assert {path.stem for path in BLUEPRINTS} == {"battery-commands", "event-notification", "hand-over", "bridge-offline"}


def test_what_a_blueprint_must_have(blueprint):
    head = blueprint["blueprint"]
    assert set(head) <= {"name", "description", "domain", "author", "source_url", "homeassistant", "input"}
    assert head["domain"] == "automation" and head["name"] and len(head["description"]) > 50
    # Plural keys, sections and action: in place of service: came with this one.
    year, month, *_ = map(int, head["homeassistant"]["min_version"].split("."))
    assert (year, month) >= (2024, 10)
    assert set(blueprint) <= {"blueprint", "mode", "max", "max_exceeded", "trigger_variables", "triggers", "variables", "conditions", "actions"}
    assert blueprint["triggers"] and blueprint["actions"]
    assert blueprint["mode"] in ("single", "restart", "queued", "parallel")


SELECTORS = {"text", "action", "boolean", "duration", "device", "entity", "number", "select", "time", "target"}


def test_every_input_is_declared_used_and_has_a_selector(blueprint):
    declared = inputs_of(blueprint["blueprint"]["input"])
    used = {str(value) for _, value in walk({k: v for k, v in blueprint.items() if k != "blueprint"}) if isinstance(value, Input)}
    assert used == set(declared)
    for name, one in declared.items():
        assert set(one) <= {"name", "description", "default", "selector"}, name
        assert one["name"] and len(one["selector"]) == 1 and set(one["selector"]) <= SELECTORS, name


def test_present_syntax_only(blueprint):
    for path, value in walk({k: v for k, v in blueprint.items() if k != "blueprint"}):
        if not isinstance(value, dict):
            continue
        assert not {"platform", "service", "service_template", "data_template", "trigger_template"} & set(value), path
        if path and path[-1] == "triggers" or (len(path) > 1 and path[-2] in ("triggers", "wait_for_trigger")):
            assert value["trigger"] in ("mqtt", "event"), (path, value)


ACTION_KEYS = ("action", "choose", "if", "wait_for_trigger", "delay", "stop", "variables", "sequence", "domain")


def actions_of(value):
    """Every step, however deep; !input stands for steps of the user."""
    for step in value:
        assert len([key for key in ACTION_KEYS if key in step]) == 1, step
        yield step
        for key in ("then", "else", "default"):
            if isinstance(step.get(key), list):
                yield from actions_of(step[key])
        for option in step.get("choose", []):
            assert set(option) <= {"alias", "conditions", "sequence"}, option
            if isinstance(option["sequence"], list):
                yield from actions_of(option["sequence"])


def test_every_step_is_one_that_home_assistant_knows(blueprint):
    for step in actions_of(blueprint["actions"]):
        if "action" in step:
            assert step["action"] == "mqtt.publish" and set(step["data"]) <= {"topic", "payload", "qos"}, step
            assert not step["data"].get("retain")
        if "wait_for_trigger" in step:
            assert "timeout" in step and isinstance(step["continue_on_timeout"], bool), step
        if "domain" in step:
            assert (step["domain"], step["type"]) == ("mobile_app", "notify") and step["device_id"] and step["message"], step


# ---- topics ----

CHANNELS = {
    c["address"].replace("{site_id}", "abc%2F%20789").replace("{device_id}", "xyz%2F123%C3%A9").replace("{event_id}", EVENT_ID)
    for c in yaml.safe_load((ROOT / "mqtt-schemas/asyncapi.yaml").read_text(encoding="utf-8"))["channels"].values()
}


def filled(blueprint, payload, id=None, **more):
    """The values that a run begins with; ids that need percent-encoding."""
    values = values_for(blueprint, device_id="xyz/123é", site_id="abc/ 789", phone="p", restore=[], patience={"minutes": 10}, **more)
    values = render_variables(blueprint.get("trigger_variables", {}), values)
    values["trigger"] = trigger_of(payload, id)
    return render_variables(blueprint["variables"], values)


def test_every_topic_is_in_the_interface(blueprint):
    values = filled(blueprint, example("device/command/started"), stop_other=[], go_on=[]) if "starts" in blueprint["variables"] else filled(
        blueprint, example("device/control/next"), stop_other=[], go_on=[]
    )
    topics = [(path, value) for path, value in walk({k: v for k, v in blueprint.items() if k != "blueprint"}) if path and path[-1] == "topic"]
    assert topics
    for path, topic in topics:
        assert re.sub(r"\s", "", str(render(topic, values))) == render(topic, values), path
        assert render(topic, values) in CHANNELS, (path, render(topic, values))


# ---- what they do ----


def named(stem):
    return load(FOLDER / "blueprints" / f"{stem}.yaml")


def test_commands_of_each_mode_reach_their_actions():
    blueprint = named("battery-commands")
    default = blueprint["actions"][0]["default"]
    reached = {}
    for name in ("flip", "local", "next"):
        values = filled(blueprint, example(f"device/control/{name}"), "control")
        values = render_variables(default[0]["variables"], values)
        options = default[1]["choose"]
        reached[name] = next((str(o["sequence"]) for o in options if render(o["conditions"], values)), str(default[1]["default"]))
        assert values["setpoint_w"] == (4000 if name == "flip" else None)
    assert reached == {"flip": "on_discharge", "local": "on_end", "next": "on_end"}
    for mode, action in {"CHARGE": "on_charge", "STANDBY": "on_standby", "BACKUP": "on_other", "SAVINGS": "on_other"}.items():
        values = {"owner": "flip", "mode": mode}
        options = default[1]["choose"]
        assert next((str(o["sequence"]) for o in options if render(o["conditions"], values)), str(default[1]["default"])) == action


def check_acknowledgement(payload):
    schema = ROOT / "mqtt-schemas/device/command/ack.schema.json"
    resolver = jsonschema.RefResolver(schema.as_uri(), json.loads(schema.read_text()))
    jsonschema.Draft202012Validator(json.loads(schema.read_text()), resolver=resolver).validate(payload)


def test_the_answer_is_one_that_the_bridge_takes():
    blueprint = named("battery-commands")
    received = dict(example("device/command/started"), phase="received")
    (control, command) = blueprint["triggers"]
    assert render(command["value_template"], {"value_json": received}) == command["payload"]
    values = filled(blueprint, received, "command")
    option = blueprint["actions"][0]["choose"][0]
    assert render(option["conditions"], values) is True
    assert values["answer"] is False
    (publish,) = option["sequence"][0]["then"]
    payload = json.loads(ENV.from_string(publish["data"]["payload"]).render(values))
    check_acknowledgement(payload)
    assert payload == {"id": COMMAND_ID, "device_status": "OK"}


QUESTION = 1  # the step that asks


def notification(**changes):
    command = example("device/command/started")
    command["phase"] = "received"
    command["command"]["battery_commands"] = dict(command["command"]["battery_commands"], **changes.pop("orders", {}))
    command["command"].update(changes)
    return filled(named("event-notification"), command)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({}, "Flip wants 5 kW from Mon 05:00 to 07:00, skip?"),
        ({"ends_at": None}, "Flip wants 5 kW from Mon 05:00 until further notice, skip?"),
        ({"orders": {"mode": "CHARGE", "setpoint_w": 2400}}, "Flip wants to charge with 2.4 kW from Mon 05:00 to 07:00, skip?"),
        ({"orders": {"setpoint_w": None}}, "Flip wants to run the home from the battery from Mon 05:00 to 07:00, skip?"),
        ({"orders": {"mode": "SAVINGS"}}, "Flip wants the mode SAVINGS from Mon 05:00 to 07:00, skip?"),
    ],
)
def test_the_question(changes, message):
    values = notification(**changes)
    notify = named("event-notification")["actions"][QUESTION]
    assert render(notify["message"], values) == message
    assert render(named("event-notification")["conditions"], values) is True
    assert values["seconds_left"] == 3600
    values = begun(named("event-notification"), values)
    (button,) = notify["data"]["actions"]
    assert set(button) == {"action", "title"} and render(button["action"], values) == "FLIP_SKIP_01CONTEXT"
    pressed = named("event-notification")["actions"][QUESTION + 1]["wait_for_trigger"][0]
    assert pressed["event_type"] == "mobile_app_notification_action"
    assert render(pressed["event_data"]["action"], values) == "FLIP_SKIP_01CONTEXT"


def test_preparations_are_told_on_demand_only():
    values = notification(is_preparatory_action=True)
    condition = named("event-notification")["conditions"]
    assert render(condition, values) is False
    assert render(condition, {**values, "preparations": True}) is True


def test_a_command_without_event_is_not_asked_about():
    assert render(named("event-notification")["conditions"], notification(event_id=None)) is False


def test_skip_opts_out_of_this_event_and_waits_for_flip():
    blueprint, values = named("event-notification"), notification()
    publish = next(step for step in actions_of(blueprint["actions"]) if step.get("action") == "mqtt.publish")
    assert render(publish["data"]["topic"], values) == f"flip2mqtt/site/abc%2F%20789/event/{EVENT_ID}/participation/set"
    assert publish["data"]["payload"] in {p.read_text().strip() for p in (EXAMPLES / "site/event/participation/set").rglob("*.txt")} | {"OFF"}
    assert publish["data"]["payload"] == "OFF"
    waits = [step["wait_for_trigger"][0] for step in blueprint["actions"] if "wait_for_trigger" in step]
    opted_out = {"command_id": COMMAND_ID, "phase": "opted_out"}
    assert render(waits[1]["value_template"], {"value_json": opted_out}) == render(waits[1]["payload"], values)
    last = blueprint["actions"][-1]["message"]
    assert render(last, {**values, "wait": dict(trigger={})}).startswith("Flip has not confirmed")
    assert render(last, {**values, "wait": dict(trigger={"x": 1})}) == "Skipped: Mon 05:00 to 07:00"


def hand_over(name, **changes):
    payload = example(f"device/control/{name}")
    payload.update(changes)
    blueprint = named("hand-over")
    values = filled(blueprint, payload, stop_other="stop_other", go_on="go_on")
    choose = blueprint["actions"][0]
    done = next((str(o["sequence"]) for o in choose["choose"] if render(o["conditions"], values)), None)
    later = None if done else (render(choose["default"][1]["if"], values), values["wait_s"])
    return done or str(choose["default"][0]["sequence"]), later


def test_hand_over_and_back():
    assert hand_over("flip") == ("stop_other", None)
    assert hand_over("local") == ("go_on", (False, -1))
    # In an hour, two minutes earlier.
    assert hand_over("next") == ("go_on", (True, 3600 - 120))
    soon = example("device/control/next")["next"]
    soon["starts_at"] = "2026-06-01T11:01:00.000Z"
    assert hand_over("next", next=soon) == ("stop_other", None)


def test_the_battery_is_put_back_only_where_flip_controlled_it():
    steps = named("bridge-offline")["actions"]
    back, restore = steps[1], steps[3]
    assert render(back["if"], {"wait": dict(trigger=None)}) is False and render(back["if"], {"wait": dict(trigger={})}) is True
    for name, expected in {"flip": True, "local": False, "next": False}.items():
        assert render(restore["if"], {"wait": dict(trigger=trigger_of(example(f"device/control/{name}")))}) is expected
    assert render(restore["if"], {"wait": dict(trigger=None)}) is False
    assert str(restore["then"]) == "restore"


# ---- the dashboard ----

CARDS = {
    "button", "conditional", "entities", "entity", "gauge", "glance", "grid", "heading", "history-graph", "horizontal-stack",
    "logbook", "markdown", "statistic", "statistics-graph", "tile", "vertical-stack",
}  # fmt: skip
ENTITY = re.compile(r"\b(?:sensor|binary_sensor|switch|event)\.[a-z0-9_]+")


@pytest.fixture(scope="module")
def dashboard():
    return load(FOLDER / "dashboard.yaml")


def test_every_entity_of_the_dashboard_is_announced(dashboard):
    used = {entity for _, value in walk(dashboard) if isinstance(value, str) for entity in ENTITY.findall(value)}
    assert len(used) > 20
    assert used <= set(entities()), used - set(entities())


def cards_of(value):
    for path, one in walk(value):
        if isinstance(one, dict) and "type" in one and path and (path[-1] == "card" or (len(path) > 1 and path[-2] == "cards")):
            yield one


def test_cards_are_built_in(dashboard):
    cards = list(cards_of(dashboard["views"]))
    assert len(cards) > 15
    for card in cards:
        assert card["type"] in CARDS, card
        if card["type"] == "conditional":
            assert card["card"] and all(c["condition"] == "state" and ("state" in c) != ("state_not" in c) for c in card["conditions"])
    for view in dashboard["views"]:
        assert view["type"] == "sections" and all(section["type"] == "grid" for section in view["sections"])


def test_the_dashboard_shows_the_event_the_battery_and_the_reports(dashboard):
    headings = [card["heading"] for card in cards_of(dashboard["views"]) if card["type"] == "heading"]
    assert headings == ["Today's event", "The battery in it", "What the battery did", "What was reported"]


def test_the_markdown_shows_what_is_wrong(dashboard):
    (card,) = [c for c in cards_of(dashboard["views"]) if c["type"] == "markdown"]
    assert ENV.from_string(card["content"]).render() == example("device/state/nothing-heard")["problem"] != ""


# ---- the automations of docs/home-assistant.md ----

PAGE = (ROOT / "docs/home-assistant.md").read_text(encoding="utf-8")


def automation(alias):
    (found,) = [block for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.S) if block.startswith(f"alias: {alias}\n")]
    return yaml.safe_load(found)


@pytest.mark.parametrize("guests, status, reason", [(False, "OK", None), (True, "FAILED_FAULT", "we have guests")])
def test_the_page_answers_as_the_bridge_takes_it(guests, status, reason):
    one = automation("Answer Flip")
    received = dict(example("device/command/started"), phase="received")
    variables = {"trigger": trigger_of(received), "is_state": lambda entity, state: guests}
    assert render(one["conditions"], variables) is True
    payload = json.loads(ENV.from_string(one["actions"][0]["data"]["payload"]).render(variables))
    check_acknowledgement(payload)
    assert payload == {"id": COMMAND_ID, "device_status": status, "reason": reason}


def test_the_page_tells_of_an_event_that_is_new():
    one = automation("Flip wants the battery soon")
    created = example("site/notification/event-created")
    (trigger,) = one["triggers"]
    assert render(trigger["value_template"], {"value_json": created}) == trigger["payload"]
    assert render(trigger["value_template"], {"value_json": example("site/notification/participation-error")}) != trigger["payload"]
    message = ENV.from_string(one["actions"][0]["data"]["message"]).render(trigger=trigger_of(created))
    assert message.startswith("From Mon 05:00.")


def test_the_page_follows_flip():
    one = automation("Battery follows Flip")
    (choose,) = one["actions"]
    for mode, discharge in {"DISCHARGE": True, "NONE": False, "unavailable": False}.items():
        states = {"sensor.flip_garage_battery_commanded_mode": mode}
        assert render(choose["choose"][0]["conditions"], {"is_state": lambda e, s, states=states: states[e] == s}) is discharge
    assert "turn_off" in str(choose["default"])


# ---- around ----


def test_the_readme_names_every_file():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for path in FOLDER.rglob("*.yaml"):
        assert f"({path.relative_to(FOLDER)})" in text, path
    assert len(text.splitlines()) <= 60
