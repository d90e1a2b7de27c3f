"""A clock that is known to be unset (a board that has not heard a time server yet): nothing is started, the bridge says
so, and when the clock is right what is due begins."""
import os
import shutil
import struct
import subprocess

import pytest
from cases import Case, Home, simple

# Moves CLOCK_REALTIME by as many seconds as the file says now.
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

static volatile int64_t *by;

int clock_gettime(clockid_t id, struct timespec *t)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    if (!by)
        by = mmap(NULL, sizeof *by, PROT_READ, MAP_SHARED, open(getenv("SHIM_FILE"), O_RDONLY), 0);
    int rc = real(id, t);
    if (id == CLOCK_REALTIME)
        t->tv_sec += *by;
    return rc;
}
"""
TWENTY_YEARS_S = 20 * 365 * 86400


class Shim:
    def __init__(self, folder, seconds):
        self.file = folder / "shim.seconds"
        self.set(seconds)
        (folder / "shim.c").write_text(SHIM)
        self.library = folder / "shim.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.library, folder / "shim.c", "-ldl"], check=True)

    def set(self, seconds):
        with open(self.file, "r+b" if self.file.exists() else "wb") as f:
            f.write(struct.pack("q", seconds))

    def env(self):
        options = os.environ.get("ASAN_OPTIONS", "")
        return {
            "LD_PRELOAD": str(self.library),
            "SHIM_FILE": str(self.file),
            "ASAN_OPTIONS": f"{options}{':' if options else ''}verify_asan_link_order=0",
        }


@pytest.mark.skipif(not shutil.which("cc"), reason="the shim needs a C compiler")
def test_nothing_is_started_while_the_clock_is_unset(tmp_path):
    shim = Shim(tmp_path, -TWENTY_YEARS_S)
    with Home(tmp_path, {"own": simple("own")}) as home:
        home.bridge.env.update(shim.env())
        home.start()
        case = Case(home, "own")
        c = case.command(duration_s=60)
        case.wait_phase(c, "received")
        home.bridge.wait_log("the clock is not set: no command is started")
        case.wait_health("own: the clock is not set: no command is started")
        assert home.mqtt.last("flip2mqtt/bridge/health").json()["clock"]["state"] == "unset"
        case.pass_s(1)
        assert case.writes() == [] and case.control()["owner"] == "local"
        assert case.answer(c).startswith("PENDING")
        shim.set(0)
        case.wait_writes("1000")
        case.wait_answer(c, "OK")
        case.wait_told(c, ["received", "started"])
        home.bridge.stop()
