"""Where the programs under test are: ctest says so, and by hand the debug build is taken."""
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[4]
PLACES = {
    "flip2mqtt": ("F2M_FLIP2MQTT", "plugin/app/flip2mqtt"),
    "flip-sim": ("F2M_FLIP_SIM", "plugin/sim/flip-sim"),
    "shim": ("F2M_SHIM", "tests/support/libf2m_shim.so"),
}


def binary(name):
    variable, place = PLACES[name]
    said = os.environ.get(variable)
    path = pathlib.Path(said) if said else ROOT / "build" / "debug" / place
    if not path.is_file():
        raise FileNotFoundError(f"{name}: no {path}; build it, or set {variable}")
    return path
