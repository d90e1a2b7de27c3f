"""What the README shows works as it stands there: the configuration is valid, with the first commands after it."""
import re

from harness import Bridge
from harness.binaries import ROOT


def shown():
    block = re.search(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S).group(1)
    return block.replace("!file /etc/flip2mqtt/flip_token", "fl_test")


def test_the_configuration_of_the_readme_is_valid(tmp_path):
    with Bridge(tmp_path, shown()) as bridge:
        checked = bridge.check()
        assert (checked.returncode, checked.stderr) == (0, ""), checked
        effective = bridge.command("config")
        assert effective.returncode == 0 and 'token: "***"' in effective.stdout and "fl_test" not in effective.stdout


def test_a_mistake_in_it_is_told_with_its_place(tmp_path):
    with Bridge(tmp_path, shown().replace("max_charge", "max_charg")) as bridge:
        checked = bridge.check()
        assert checked.returncode == 78
        assert re.search(r"configuration\.yaml:\d+:\d+: error: .*max_charg.*max_charge", checked.stderr + checked.stdout), checked
