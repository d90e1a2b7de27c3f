"""A home that Flip knows, and a bridge that may ask everything of it."""
from harness import home_config

SITE, BATTERY = "home-1", "battery-1"


def device(name, site=SITE):
    sizes = {"battery_capacity_wh": 13500, "battery_power_input_w": 5000, "battery_power_output_w": 5000}
    return {"id": name, "site_id": site, "manufacturer_name": "DeviceMaker", "product_name": "Model 1", "type": "BATTERY",
            "serial_number": "1", "install_date": "2022-02-22", "attributes": sizes}  # fmt: skip


def known(sites=(), programs=()):
    """What flip-sim begins with: the home with two programs, and more sites and programs."""
    form = [{"name": "account_id", "label": "Utility Account Number", "type": "string"}]
    terms = {"terms_and_conditions_text": "Be kind to the grid.", "terms_and_conditions_version": "2025-01-01"}
    offered = [{"name": "Automatic", "can_auto_enroll": True}, {"name": "With a form", "enrollment_form": form, **terms}]
    home = {"id": SITE, "zip_code": "88800"}
    return {"sites": [home, *sites], "devices": [device(BATTERY)], "programs": [*offered, *programs]}


def quiet(broker, sim, folder, allow=("all",), **sections):
    """A bridge that asks Flip for nothing by itself after its start."""
    config = home_config(broker, sim, folder, "5min", requests={"allow": list(allow)}, **sections)
    config["flip"]["poll"] = dict.fromkeys(("commands", "events", "enrollments", "programs", "site"), "1h")
    return config
