"""A clock that is off, a disk that is full or broken, for one process (tests/support/shim.c)."""
import mmap
import os
import struct

from harness.binaries import binary

CLOCK, ERROR, LIMITED, ROOM = range(4)


class Shim:
    """`env` goes to the process: Bridge(…, env=shim.env). What is set holds at once and over restarts."""

    def __init__(self, folder):
        path = folder / "shim"
        path.write_bytes(bytes(64))
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), 64)
        sanitizer = os.environ.get("ASAN_OPTIONS", "")
        self.env = {
            "LD_PRELOAD": str(binary("shim")),
            "F2M_SHIM_FILE": str(path),
            "ASAN_OPTIONS": f"{sanitizer}:verify_asan_link_order=0".lstrip(":"),
        }

    def _set(self, field, value):
        struct.pack_into("<q", self.map, 8 * field, int(value))

    def clock(self, offset_s):
        """The wall clock is off by so many seconds."""
        self._set(CLOCK, offset_s * 1000)

    def disk_error(self, number):
        """Every write answers with this errno; 0 = the disk works."""
        self._set(ERROR, number)

    def disk_room(self, room):
        """Files may grow by so many bytes in all; None = without limit."""
        self._set(ROOM, room or 0)
        self._set(LIMITED, room is not None)

    def room_left(self):
        return struct.unpack_from("<q", self.map, 8 * ROOM)[0]
