#!/usr/bin/env python3
"""The systemd unit is valid, and as locked down as it promises: an exposure of at most 1.5 of 10 (lower is better)."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

from source import Finding, finish, read

UNIT = "packaging/systemd/flip2mqtt.service"
MAX_EXPOSURE = 1.5
SKIPPED = 77  # ctest shows it as skipped


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "SYSTEMD_COLORS": "0"})
    return done.returncode, done.stdout + done.stderr


def main():
    if not shutil.which("systemd-analyze"):
        print("check_unit: skipped, systemd-analyze is not here")
        return SKIPPED
    findings = []
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "flip2mqtt.service")
        with open(copy, "w", encoding="utf-8") as f:
            f.write(read(UNIT).replace("/usr/bin/flip2mqtt", "/bin/true"))  # verify wants programs that exist
        code, text = run("systemd-analyze", "verify", "--man=no", copy)
        about_us = [line for line in text.splitlines() if "flip2mqtt.service" in line]
        findings += [Finding(UNIT, 1, "unit", line) for line in about_us]
        if code and not about_us:
            print(f"check_unit: verify could not run here: {text.strip()[:300]}")
        code, text = run("systemd-analyze", "security", "--offline=true", copy)
        exposure = re.search(r"exposure level for flip2mqtt\.service: ([\d.]+)", text)
        if not exposure:
            findings.append(Finding(UNIT, 1, "unit", f"systemd-analyze security said: {text.strip()[-300:]}"))
        elif float(exposure.group(1)) > MAX_EXPOSURE:
            findings.append(Finding(UNIT, 1, "unit", f"exposure {exposure.group(1)}, at most {MAX_EXPOSURE}"))
        else:
            print(f"check_unit: exposure {exposure.group(1)}")
    return finish("check_unit", findings)


if __name__ == "__main__":
    sys.exit(main())
