#!/usr/bin/env python3
"""Who may know whom: the dependency rule of docs/architecture.md, read from the #include lines and from CMake's USES.

Debian installs all headers into one folder, so the link graph alone would let any room include any library.
"""
import re
import sys

from source import Finding, code_of, files, finish, read, room_of

BASE = {"util", "port"}
VALUES = BASE | {"config"}
CORE = VALUES | {"flip"}

# What each room may include from, beside itself. A room that is not listed is unknown, hence refused.
ROOMS = {
    "util": set(),
    "port": {"util"},
    "config": BASE,
    "flip": VALUES,
    "telemetry": CORE,
    "learn": VALUES | {"telemetry"},
    # Neighbours in the order of plugin/CMakeLists.txt, so that there is no circle: control asks telemetry whether the
    # device is online, requests pass outbox operations on.
    "control": CORE | {"telemetry"},
    "sites": CORE | {"telemetry", "control"},
    "requests": CORE | {"telemetry", "control", "sites"},
    "homeassistant": CORE | {"telemetry", "control", "sites"},
    "engine": CORE | {"telemetry", "control", "sites", "requests", "homeassistant"},
    # Edges: they see the doors and plain values, never each other nor the core.
    "store": BASE,
    "mqtt": VALUES,
    "http": VALUES,
    # The stand-in for Flip's cloud shares no Flip code with the bridge: a shared mistake would stay unseen.
    "sim": {"util"},
    "app": CORE | {"telemetry", "learn", "control", "sites", "requests", "homeassistant", "engine", "store", "mqtt", "http"},
}

# Third-party headers: where they may stand ("tests" = below tests/).
LIBRARIES = [
    (r"mosquitto(_.*)?\.h", {"mqtt", "tests"}),
    (r"curl/.*", {"http", "sim"}),
    (r"microhttpd\.h", {"http", "sim"}),
    (r"openssl/.*", {"http", "sim"}),
    (r"sqlite3\.h", {"store", "tests"}),
    (r"libfyaml\.h", {"plugin/config/yaml.c"}),
    (r"(cjson/)?cJSON.*\.h", {"sim", "tests"}),
    (r"systemd/.*", {"app"}),
    (r"check\.h", {"tests"}),
    (r"ut(hash|list|array|string|stack|ringbuffer)\.h", None),  # header-only tools, anywhere
]
# POSIX and C headers of the world outside, which the pure rooms do without (see check_banned.py for the calls).
PURE = {"port", "flip", "telemetry", "learn", "control", "sites", "requests", "homeassistant", "engine"}
IMPURE_HEADERS = re.compile(
    r"(pthread|threads|unistd|fcntl|poll|signal|dirent|netdb|semaphore|syslog|sched)\.h"
    r"|sys/(socket|epoll|eventfd|signalfd|timerfd|stat|mman|select|random|wait|file|ioctl|un)\.h|arpa/.*|netinet/.*"
)

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def check_file(path, text):
    """Findings for one C file."""
    findings = []
    room = room_of(path)
    places = {room or path.split("/")[0], path}
    # Literals are blanked in code_of(), the names with them: take positions there and names from the text.
    live = code_of(text)
    for match in INCLUDE.finditer(text):
        if "#" not in live[match.start() : match.end()]:
            continue  # inside a comment
        quote, name = match.groups()
        line = text.count("\n", 0, match.start()) + 1
        other = name.split("/")[0] if "/" in name else None
        if quote == '"' and room:
            if other is None:
                findings.append(Finding(path, line, "include", f'write "{room}/{name}": paths start at plugin/'))
            elif other not in ROOMS:
                findings.append(Finding(path, line, "include", f"there is no room {other}/"))
            elif other != room and other not in ROOMS.get(room, set()):
                findings.append(Finding(path, line, "include", f"{room}/ may not know {other}/"))
        for pattern, where in LIBRARIES:
            if re.fullmatch(pattern, name) and where is not None and not places & where:
                allowed = ", ".join(sorted(where))
                findings.append(Finding(path, line, "library", f"<{name}> stays in {allowed}"))
        if room in PURE and IMPURE_HEADERS.fullmatch(name):
            findings.append(Finding(path, line, "pure", f"{room}/ is pure: no <{name}>"))
    return findings


def check_cmake(path, text):
    """Findings for a room's CMakeLists.txt: USES obeys the same table."""
    findings = []
    text = re.sub(r"#[^\n]*", "", text)
    for match in re.finditer(r"f2m_room\(([^)]*)\)", text):
        words = match.group(1).split()
        line = text.count("\n", 0, match.start()) + 1
        room, rest = words[0], words[1:]
        if room not in ROOMS:
            findings.append(Finding(path, line, "room", f"unknown room {room}: add it to the table in check_includes.py"))
            continue
        section = None
        for word in rest:
            if word in ("SOURCES", "USES", "LIBRARIES"):
                section = word
            elif section == "USES" and word not in ROOMS[room]:
                findings.append(Finding(path, line, "room", f"{room} may not use {word}"))
    return findings


def check_sources_listed(room, names, text):
    """Every .c file of a room is built."""
    return [
        Finding(f"plugin/{room}/{name}", 1, "build", f"not in plugin/{room}/CMakeLists.txt")
        for name in names
        if not re.search(r"(?<![\w/.-])" + re.escape(name) + r"(?![\w.-])", text)
    ]


def main():
    findings = []
    for path in files("plugin", "tests", ends=(".c", ".h")):
        findings += check_file(path, read(path))
    for path in files("plugin", ends=("CMakeLists.txt",)):
        room = room_of(path)
        if room:
            text = read(path)
            findings += check_cmake(path, text)
            sources = [p.split("/", 2)[2] for p in files(f"plugin/{room}", ends=(".c",))]
            findings += check_sources_listed(room, sources, text)
    return finish("check_includes", findings)


if __name__ == "__main__":
    sys.exit(main())
