#!/usr/bin/env python3
"""What nobody writes here: dangerous functions, notes to self, unreadably long code, and the outside world in pure rooms."""
import re
import sys

from source import Finding, code_of, files, finish, read, room_of

MAX_FUNCTION_LINES = 60
MAX_FILE_LINES = 500

# function: what to write instead
BANNED = {
    "sprintf": "snprintf or a strbuf",
    "vsprintf": "vsnprintf or a strbuf",
    "strcpy": "a slice, a strbuf or memcpy with a length",
    "strncpy": "memcpy with a length (it pads, and does not terminate)",
    "strcat": "a strbuf",
    "strncat": "a strbuf",
    "gets": "fgets",
    "scanf": "util/number.h",
    "sscanf": "util/number.h",
    "fscanf": "util/number.h",
    "atoi": "util/number.h (it cannot fail, and so cannot tell)",
    "atol": "util/number.h",
    "atoll": "util/number.h",
    "atof": "util/number.h",
    "strtok": "a slice",
    "gmtime": "gmtime_r",
    "localtime": "localtime_r",
    "ctime": "util/rfc3339.h",
    "asctime": "util/rfc3339.h",
    "rand": "util/rng.h",
    "srand": "util/rng.h",
    "random": "util/rng.h",
    "alloca": "xalloc (bounded)",
    "tmpnam": "mkstemp",
    "mktemp": "mkstemp",
    "system": "posix_spawn",
    "popen": "posix_spawn",
    "sleep": "a deadline",
    "usleep": "a deadline",
    "nanosleep": "a deadline",
}
# Tests may start programs and poll for a condition with a deadline.
ALLOWED_IN_TESTS = {"system", "popen", "nanosleep"}
# Plain allocation: running out of memory is handled in one place (util/xalloc.h).
ALLOCATION = {"malloc", "calloc", "realloc", "reallocarray", "strdup", "strndup", "asprintf", "vasprintf"}

PURE = {"util", "port", "config", "flip", "telemetry", "control", "sites", "requests", "homeassistant", "engine"}
CLOCK = "time clock_gettime gettimeofday timespec_get clock".split()
RANDOM = "getrandom getentropy drand48 arc4random rand_r".split()
THREADS = "pthread_create pthread_mutex_lock pthread_mutex_unlock pthread_once thrd_create mtx_lock fork vfork".split()
FILES = (
    "fopen fdopen freopen open openat creat read write pread pwrite fread fwrite fgets getline close fclose stat fstat "
    "lstat access unlink rename mkdir opendir readdir realpath readlink socket connect send recv poll select epoll_wait"
).split()
OUTPUT = "printf fprintf vprintf vfprintf puts fputs putchar dprintf syslog perror f2m_log f2m_log_line".split()
ENVIRONMENT = "getenv secure_getenv setenv exit _exit".split()

# The few places in pure rooms that touch the outside, with the reason.
EXCEPTIONS = {
    ("config/", "FILES"): "reads the configuration, its secrets and presets",
    ("config/docs_main.c", "OUTPUT ENVIRONMENT"): "a tool of the build: writes the reference and the schema",
    ("homeassistant/docs_main.c", "OUTPUT FILES"): "a tool of the build: writes the page of entities",
    ("config/timezone.c", "ENVIRONMENT"): "the system's time zone is TZ where that is set",
    ("util/log.c", "OUTPUT FILES CLOCK THREADS"): "writes the lines of app/ and of the MQTT thread, with their time",
    ("util/log.h", "OUTPUT"): "declares it",
    ("util/log.c", "ENVIRONMENT"): "looks whether it runs under the journal",
    ("util/xalloc.c", "OUTPUT ENVIRONMENT FILES ALLOCATION"): "says that memory ran out, and exits with 71",
    ("util/cleanup.h", "FILES"): "closes what config/ opened",
}
NOTE = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
CALL = re.compile(r"(?<![\w.>])([A-Za-z_]\w*)\s*\(")


def excepted(path, group):
    inside = path.split("/", 1)[1]
    return any(inside.startswith(place) and group in groups.split() for place, groups in EXCEPTIONS.keys())


def forbidden_calls(path):
    """name -> (rule, what to do) for a file."""
    rules = {name: ("banned", f"use {instead}") for name, instead in BANNED.items()}
    if path.startswith("tests/"):
        rules = {name: rule for name, rule in rules.items() if name not in ALLOWED_IN_TESTS}
    room = room_of(path)
    if room and not excepted(path, "ALLOCATION"):
        rules.update({name: ("alloc", "use util/xalloc.h") for name in ALLOCATION})
    if room in PURE:
        for group, names, why in (
            ("CLOCK", CLOCK, "takes struct f2m_now"),
            ("RANDOM", RANDOM, "takes a struct f2m_rng"),
            ("THREADS", THREADS, "has no threads"),
            ("FILES", FILES, "does no input or output"),
            ("OUTPUT", OUTPUT, "puts log lines into its effects"),
            ("ENVIRONMENT", ENVIRONMENT, "neither reads the environment nor ends the process"),
        ):
            if not excepted(path, group):
                rules.update({name: ("pure", f"{room}/ is pure: it {why}") for name in names})
    return rules


def check_calls(path, code):
    findings = []
    rules = forbidden_calls(path)
    for own in re.findall(r"^static [^;={}]*?\b(\w+)\([^;{}]*\)\n\{", code, re.M):  # a static send() is not the socket's
        if rules.get(own, ("",))[0] == "pure":
            del rules[own]
    for match in CALL.finditer(code):
        rule = rules.get(match.group(1))
        if rule:
            line = code.count("\n", 0, match.start()) + 1
            findings.append(Finding(path, line, rule[0], f"{match.group(1)}(): {rule[1]}"))
    return findings


def check_functions(path, code):
    """Bodies stand between a brace in the first column and the next one (Linux style, kept by clang-format). The rows of a
    table do not count."""
    findings = []
    start, length = None, 0
    for number, line in enumerate(code.split("\n"), 1):
        if line.startswith("{"):
            start, length = number, 0
        length += not re.match(r"\s+\{.*\},?\s*$", line)
        if line.startswith("}") and start:
            if length > MAX_FUNCTION_LINES:
                message = f"function of {length} lines, at most {MAX_FUNCTION_LINES}: split it by concept"
                findings.append(Finding(path, start, "length", message))
            start = None
    return findings


def check_cleanup(path, code):
    """A variable that cleans up after itself holds a value before the first return: gcc's zero-initialisation hides the
    mistake, clang's build crashes."""
    findings = []
    lines = code.split("\n")
    for number, line in enumerate(lines, 1):
        declared = re.match(r"\s+f2m_auto\w+\s+([^=;()]*);", line)
        for name in re.findall(r"\b(\w+)\s*(?:,|$)", declared.group(1)) if declared else ():
            given = re.compile(rf"init\(&{name}\b|\b{name}\s*=[^=]")
            for later in lines[number:]:
                if given.search(later) or later.startswith("}"):
                    break
                if re.search(r"\breturn\b", later):
                    findings.append(Finding(path, number, "cleanup", f"{name} has no value at a return: write = {{0}} or = NULL"))
                    break
    return findings


def check_header(path, text):
    findings = []
    if not text.startswith("/*"):
        findings.append(Finding(path, 1, "header", "begin with a comment: what it is for, who owns what"))
    guard = "F2M_" + re.sub(r"\W", "_", path.split("/", 1)[1]).upper()
    if not re.search(rf"^#ifndef ((?:F2M_)?{guard[4:]})\n#define \1$", text, re.M):
        findings.append(Finding(path, 1, "header", f"include guard {guard} is missing"))
    return findings


def check_file(path, text):
    code = code_of(text)
    findings = check_calls(path, code) + check_functions(path, code) + check_cleanup(path, code)
    if path.startswith("plugin/") and path.endswith(".h"):
        findings += check_header(path, text)
    if re.search(r"/test_[^/]*\.c$", path) and not text.startswith("/*"):
        findings.append(Finding(path, 1, "header", "begin with a comment: the behaviour, in a sentence"))
    lines = text.count("\n")
    if lines > MAX_FILE_LINES:
        findings.append(Finding(path, lines, "length", f"{lines} lines, at most {MAX_FILE_LINES}: split it by concept"))
    return findings


def check_notes(path, text):
    return [
        Finding(path, text.count("\n", 0, m.start()) + 1, "note", f"{m.group(1)}: finish it, or make it an issue")
        for m in NOTE.finditer(text)
    ]


def main():
    findings = []
    for path in files("plugin", "tests", ends=(".c", ".h")):
        findings += check_file(path, read(path))
    for path in files("plugin", "tests", "cmake", "script", "packaging", ends=(".c", ".h", ".py", ".cmake", ".txt", "")):
        if not path.startswith("tests/lint/") and not path.endswith((".png", ".gz")):
            findings += check_notes(path, read(path))
    return finish("check_banned", findings)


if __name__ == "__main__":
    sys.exit(main())
