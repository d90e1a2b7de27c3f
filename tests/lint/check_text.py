#!/usr/bin/env python3
"""Text that people and machines read: white space as .editorconfig says, links that lead somewhere, nothing that points
outside the repository, scripts that are executable, YAML and JSON that parse."""
import json
import os
import re
import sys

import yaml

from source import ROOT, Finding, files, finish, read

TEXT = (".c", ".h", ".py", ".md", ".yaml", ".yml", ".json", ".cmake", ".txt", ".sh", ".scd", ".service", ".in")
# Byte for byte as they must be: fuzz corpora, examples, golden outputs.
RAW = re.compile(r"(^|/)(corpus|corpora|good|bad|cases|golden|fixtures|expected|samples)(/|$)")
OUTSIDE = re.compile(r"\.\./shared|/work/(main|shared)")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
LIST = r"\s*(\d+(?:\.\d+)?(?:(?:,\s*|\s+and\s+|\s+to\s+)\d+(?:\.\d+)?)*)"
REFERENCE = re.compile(r"\b((?:(?<=Interface, )section)|[Cc]larification|[Dd]ecision)s?" + LIST)
TABS = (".c", ".h", ".py", ".yaml", ".yml", ".json", ".cmake", ".txt")


def check_space(path, text):
    findings = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.endswith((" ", "\t", "\r")) and not path.endswith(".md"):
            findings.append(Finding(path, number, "space", "blank at the end of the line"))
        if "\t" in line and path.endswith(TABS):
            findings.append(Finding(path, number, "space", "tab: indent with blanks, write \\t in literals"))
    if text and not text.endswith("\n"):
        findings.append(Finding(path, text.count("\n") + 1, "space", "no newline at the end of the file"))
    return findings


def check_outside(path, text):
    return [
        Finding(path, text.count("\n", 0, m.start()) + 1, "outside", f"{m.group(0)} is not part of this repository")
        for m in OUTSIDE.finditer(text)
    ]


def check_rules(path, text, rules):
    """Every "Interface, clarification 7", "Interface, section 3.2" and "Flip, decision 8" has its place in docs/."""
    text = re.sub(r"\n *(\*|#) ", lambda m: "\n" + " " * (len(m.group(0)) - 1), text)  # a reference over two lines
    findings = []
    for match in REFERENCE.finditer(text):
        kind = match.group(1).lower()
        for number in re.findall(r"\d+(?:\.\d+)?", match.group(2)):
            if number not in rules[kind]:
                line = text.count("\n", 0, match.start()) + 1
                findings.append(Finding(path, line, "rule", f"there is no {kind} {number}"))
    return findings


def rules_of(interface, flip):
    """The numbers of docs/interface.md and docs/flip-api.md."""
    clarifications = interface[interface.index("## 5. Clarifications") :]
    return {
        "clarification": set(re.findall(r"^(\d+)\. ", clarifications, re.M)),
        "section": set(re.findall(r"^#+ (\d(?:\.\d)?)\.? ", interface, re.M)),
        "decision": set(re.findall(r"^\| (\d+) \|", flip, re.M)),
    }


def without_code(text):
    """Fenced blocks become blank lines."""
    return re.sub(r"```.*?```", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text, flags=re.S)


def anchors_of(text):
    """The headings' anchors, as a forge makes them: of headings that are the same the second gets -1."""
    anchors = []
    for heading in re.findall(r"^#+ +(.*?) *$", without_code(text), re.M):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        again = sum(1 for a in anchors if re.fullmatch(re.escape(slug) + r"(-\d+)?", a))
        anchors.append(f"{slug}-{again}" if again else slug)
    return anchors


def check_links(path, text, root=ROOT):
    findings = []
    text = without_code(text)
    for match in LINK.finditer(text):
        target, _, anchor = match.group(1).partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        line = text.count("\n", 0, match.start()) + 1
        place = os.path.join(root, os.path.dirname(path), target) if target else None
        if place and not os.path.exists(place):
            findings.append(Finding(path, line, "link", f"{target} does not exist"))
        elif anchor and (not place or place.endswith(".md")):
            headings = open(place, encoding="utf-8").read() if place else text
            if anchor not in anchors_of(headings):
                findings.append(Finding(path, line, "link", f"{match.group(1)}: no such heading"))
    return findings


class AnyTag(yaml.SafeLoader):
    """Our configuration has tags of its own (!env, !file, !secret), Home Assistant's blueprints have theirs (!input)."""


AnyTag.add_multi_constructor("!", lambda loader, suffix, node: node.value)


def check_parses(path, text):
    try:
        if path.endswith(".json"):
            json.loads(text)
        elif path.endswith((".yaml", ".yml")):
            list(yaml.load_all(text, AnyTag))
        elif path.endswith(".py"):
            compile(text, path, "exec")
    except (ValueError, SyntaxError, yaml.YAMLError) as error:
        return [Finding(path, getattr(error, "lineno", None) or 1, "syntax", " ".join(str(error).split()))]
    return []


def check_executable(path, text, root=ROOT):
    if text.startswith("#!") and not os.access(os.path.join(root, path), os.X_OK):
        return [Finding(path, 1, "mode", "has a #! line but is not executable")]
    return []


def main():
    findings = []
    rules = rules_of(read("docs/interface.md"), read("docs/flip-api.md"))
    tops = "plugin tests script cmake config docs mqtt-schemas packaging .ci".split()
    paths = files(*tops, ends=TEXT) + [p for p in os.listdir(ROOT) if p.endswith(TEXT)] + files("script", ".ci")
    for path in sorted(set(paths)):
        if RAW.search(path):
            continue
        text = read(path)
        findings += check_space(path, text) + check_parses(path, text) + check_executable(path, text)
        if not path.startswith("tests/lint/"):
            findings += check_outside(path, text)
        if path.startswith(("plugin/", "tests/")) and not path.startswith("tests/lint/"):
            findings += check_rules(path, text, rules)
        if path.endswith(".md"):
            findings += check_links(path, text)
    return finish("check_text", findings)


if __name__ == "__main__":
    sys.exit(main())
