"""The house's lints find what they are for, and leave alone what is right."""
import check_banned
import check_includes
import check_text
import clang_tidy
import pytest
from source import code_of


def messages(findings):
    return [str(f) for f in findings]


@pytest.mark.parametrize(
    "path, text, expected",
    [
        ("plugin/telemetry/a.c", '#include "util/err.h"\n#include "flip/cloud.h"\n', []),
        ("plugin/util/a.c", '#include "config/config.h"\n', ["plugin/util/a.c:1: include: util/ may not know config/"]),
        ("plugin/flip/a.c", '#include "telemetry/outbox.h"\n', ["plugin/flip/a.c:1: include: flip/ may not know telemetry/"]),
        ("plugin/mqtt/a.c", '\n#include "http/client.h"\n', ["plugin/mqtt/a.c:2: include: mqtt/ may not know http/"]),
        ("plugin/store/a.c", '#include "err.h"\n', ['plugin/store/a.c:1: include: write "store/err.h": paths start at plugin/']),
        ("plugin/app/a.c", '#include "nowhere/err.h"\n', ["plugin/app/a.c:1: include: there is no room nowhere/"]),
        ("plugin/app/a.c", "#include <mosquitto.h>\n", ["plugin/app/a.c:1: library: <mosquitto.h> stays in mqtt, tests"]),
        ("plugin/flip/a.c", "#include <cjson/cJSON.h>\n", ["plugin/flip/a.c:1: library: <cjson/cJSON.h> stays in sim, tests"]),
        ("plugin/config/load.c", "#include <libfyaml.h>\n", ["plugin/config/load.c:1: library: <libfyaml.h> stays in plugin/config/yaml.c"]),
        ("plugin/config/yaml.c", "#include <libfyaml.h>\n", []),
        ("tests/unit/util/test_a.c", "#include <check.h>\n#include <cjson/cJSON.h>\n", []),
        ("plugin/engine/a.c", "#include <unistd.h>\n", ["plugin/engine/a.c:1: pure: engine/ is pure: no <unistd.h>"]),
        ("plugin/util/a.c", "/* as in\n#include <curl/curl.h>\n*/\n", []),
    ],
)
def test_includes(path, text, expected):
    assert messages(check_includes.check_file(path, text)) == expected


def test_uses_in_cmake_obey_the_same_table():
    text = "# store is an edge\nf2m_room(store SOURCES sqlite.c\n USES util port config LIBRARIES PkgConfig::SQLITE)"
    assert messages(check_includes.check_cmake("plugin/store/CMakeLists.txt", text)) == [
        "plugin/store/CMakeLists.txt:2: room: store may not use config"
    ]


def test_the_table_has_no_circle():
    seen = {}

    def depth(room):
        assert seen.get(room) != "open", f"circle through {room}"
        if room not in seen:
            seen[room] = "open"
            for other in check_includes.ROOMS[room]:
                depth(other)
            seen[room] = "done"

    for room in check_includes.ROOMS:
        depth(room)


def test_a_source_that_is_not_built_is_found():
    found = check_includes.check_sources_listed("util", ["err.c", "log.c"], "f2m_room(util SOURCES log.c xerr.c)")
    assert messages(found) == ["plugin/util/err.c:1: build: not in plugin/util/CMakeLists.txt"]


@pytest.mark.parametrize(
    "path, line, expected",
    [
        ("plugin/mqtt/a.c", "    strcpy(a, b);", "banned: strcpy(): use a slice, a strbuf or memcpy with a length"),
        ("plugin/mqtt/a.c", "    x = malloc(3);", "alloc: malloc(): use util/xalloc.h"),
        ("plugin/telemetry/a.c", "    t = time(NULL);", "pure: time(): telemetry/ is pure: it takes struct f2m_now"),
        ("plugin/control/a.c", "    f2m_log(1, c, m);", "pure: f2m_log(): control/ is pure: it puts log lines into its effects"),
        ("plugin/engine/a.c", "    fopen(p, m);", "pure: fopen(): engine/ is pure: it does no input or output"),
        ("plugin/sites/a.c", "    pthread_create(p);", "pure: pthread_create(): sites/ is pure: it has no threads"),
        ("plugin/config/a.c", "    f = fopen(p, m);", None),
        ("plugin/app/a.c", "    t = time(NULL);", None),
        ("plugin/util/a.c", '    puts_all("sprintf(x)"); /* strcpy(x) */', None),
        ("plugin/util/a.c", "    store->open(x); s.read(y); gmtime_r(a, b);", None),
    ],
)
def test_calls(path, line, expected):
    found = messages(check_banned.check_file(path, f"\n{line}\n"))
    assert found == ([f"{path}:2: {expected}"] if expected else [])


def test_a_static_function_may_have_the_name_of_a_system_call():
    own = "static void send(struct a *a,\n                 int b)\n{\n    other(a);\n}\nvoid f(void)\n{\n    send(a, 1);\n    recv(b);\n}\n"
    assert messages(check_banned.check_calls("plugin/engine/a.c", own)) == [
        "plugin/engine/a.c:9: pure: recv(): engine/ is pure: it does no input or output"
    ]


def test_length_of_functions_and_files():
    def body(lines):
        return "void f(void)\n{\n" + "    x();\n" * lines + "}\n"

    assert check_banned.check_file("plugin/app/a.c", body(58)) == []
    assert messages(check_banned.check_file("plugin/app/a.c", body(59))) == [
        "plugin/app/a.c:2: length: function of 61 lines, at most 60: split it by concept"
    ]
    assert check_banned.check_file("plugin/app/a.c", "\n" * 500) == []
    assert "501 lines" in messages(check_banned.check_file("plugin/app/a.c", "\n" * 501))[0]


def test_a_cleanup_variable_has_a_value_before_the_first_return():
    body = "void f(void)\n{\n    f2m_autostrbuf a, b;\n    f2m_strbuf_init(&a, 0);\n    if (x)\n        return;\n%s}\n"
    assert messages(check_banned.check_file("plugin/app/a.c", body % "    f2m_strbuf_init(&b, 0);\n")) == [
        "plugin/app/a.c:3: cleanup: b has no value at a return: write = {0} or = NULL"
    ]
    assert check_banned.check_file("plugin/app/a.c", body.replace("a, b", "a") % "") == []
    assert check_banned.check_file("plugin/app/a.c", body.replace("a, b;", "a, b = {0};") % "") == []


def test_headers_have_a_comment_and_a_guard():
    good = "/* What it is for. */\n#ifndef F2M_MQTT_INBOX_H\n#define F2M_MQTT_INBOX_H\n#endif\n"
    assert check_banned.check_file("plugin/mqtt/inbox.h", good) == []
    assert messages(check_banned.check_file("plugin/mqtt/inbox.h", good.replace("INBOX", "CLIENT"))) == [
        "plugin/mqtt/inbox.h:1: header: include guard F2M_MQTT_INBOX_H is missing"
    ]
    assert "begin with a comment" in messages(check_banned.check_file("plugin/mqtt/inbox.h", good[24:]))[0]


def test_notes_to_self():
    note = "TO" + "DO"
    assert messages(check_banned.check_notes("plugin/app/a.c", f"\n// {note}: later\n")) == [
        f"plugin/app/a.c:2: note: {note}: finish it, or make it an issue"
    ]
    assert check_banned.check_notes("plugin/app/a.c", "mastodon hacksaw\n") == []


def test_blanking_keeps_lines_and_columns():
    text = 'a("x\\"y"); /* 1\n 2 */ b(\'"\'); // c\nd();'
    blank = code_of(text)
    assert [len(line) for line in blank.split("\n")] == [len(line) for line in text.split("\n")]
    assert "x" not in blank and "1" not in blank and "c" not in blank and "b(" in blank and "d()" in blank


def test_text():
    assert messages(check_text.check_space("a.c", "x \n\ty\nz")) == [
        "a.c:1: space: blank at the end of the line",
        "a.c:2: space: tab: indent with blanks, write \\t in literals",
        "a.c:3: space: no newline at the end of the file",
    ]
    outside = "../" + "shared/x.md"
    assert messages(check_text.check_outside("a.md", f"see\n{outside}")) == [
        "a.md:2: outside: ../" + "shared is not part of this repository"
    ]
    assert "syntax" in messages(check_text.check_parses("a.yaml", "a: [1\n"))[0]
    assert check_text.check_parses("a.yaml", "token: !env FLIP_TOKEN\n") == []
    assert "syntax" in messages(check_text.check_parses("a.json", "{"))[0]
    assert "syntax" in messages(check_text.check_parses("a.py", "def f(:\n"))[0]


def test_links(tmp_path):
    (tmp_path / "there.md").write_text("# A part\n```\n# none\n```\n## `b`, [c](x): d\n## A part\n")
    text = "# Here\n[a](there.md#a-part) [b](https://x.y/z) [c](#here)\n```\n[d](gone.md)\n```\n[e](gone.md)\n"
    assert messages(check_text.check_links("README.md", text, tmp_path)) == ["README.md:6: link: gone.md does not exist"]
    right = "[a](there.md#b-c-d) [b](there.md#a-part-1)\n"
    assert messages(check_text.check_links("README.md", right, tmp_path)) == []
    wrong = "[a](there.md#none)\n[b](#here)\n"
    assert messages(check_text.check_links("README.md", wrong, tmp_path)) == [
        "README.md:1: link: there.md#none: no such heading",
        "README.md:2: link: #here: no such heading",
    ]


def test_findings_of_the_analyzer_on_uthash_macros_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(clang_tidy, "ROOT", str(tmp_path))
    source = tmp_path / "a.c"
    source.write_text("HASH_DEL(all, mark);\nfree(mark);\n")
    use = "error: Use of memory after it is freed [clang-analyzer-unix.Malloc,-warnings-as-errors]"
    other = "error: something else [bugprone-x]"
    output = f"{source}:1:5: {use}\n  note\n{source}:2:5: {use}\n{source}:1:9: {other}\n  code\n"
    assert clang_tidy.kept(output) == [f"{source}:2:5: {use}", f"{source}:1:9: {other}\n  code"]


def test_a_comment_names_a_rule_that_exists():
    interface = "## 3. Topics\n### 3.2 Site\n1. first\n## 5. Clarifications\n5. x\n6. y\n"
    rules = check_text.rules_of(interface, "| # | question |\n| 8 | z |\n")
    assert rules == {"clarification": {"5", "6"}, "section": {"3", "3.2", "5"}, "decision": {"8"}}
    right = "/* Interface, section 3.2, clarifications 5 and\n * 6; Flip, decision 8 (409). */"
    assert check_text.check_rules("a.c", right, rules) == []
    wrong = "/* Interface, section 3.9,\n * clarifications 5,\n * 7; Flip, decision 9. */"
    assert messages(check_text.check_rules("a.c", wrong, rules)) == [
        "a.c:1: rule: there is no section 3.9",
        "a.c:2: rule: there is no clarification 7",
        "a.c:3: rule: there is no decision 9",
    ]
