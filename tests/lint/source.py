"""What the house's lints share: finding files, and reading C without its comments and strings."""
import os
import re

ROOT = os.environ.get("F2M_SOURCE_DIR") or os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SKIP = {".git", "build", "node_modules", "__pycache__", ".pytest_cache", ".cache", ".venv", "corpus", "corpora"}

COMMENT_OR_STRING = re.compile(
    r"""/\*.*?\*/            # a comment
      | //[^\n]*             # a line comment
      | "(?:\\.|[^"\\\n])*"  # a string
      | '(?:\\.|[^'\\\n])*'  # a character
    """,
    re.S | re.X,
)


class Finding:
    """One breach of a rule, printed the way compilers do, so that editors can jump there."""

    def __init__(self, path, line, rule, message):
        self.path, self.line, self.rule, self.message = path, line, rule, message

    def __str__(self):
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


def files(*tops, ends=("",), root=ROOT):
    """Paths relative to the root, sorted, of files below the given folders whose names end so."""
    found = []
    for top in tops:
        start = os.path.join(root, top)
        if os.path.isfile(start):
            found.append(top)
        for folder, folders, names in os.walk(start):
            folders[:] = sorted(f for f in folders if f not in SKIP)
            found += [os.path.relpath(os.path.join(folder, n), root) for n in names if n.endswith(tuple(ends))]
    return sorted(set(found))


def read(path, root=ROOT):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return f.read()


def code_of(text):
    """C text with comments and literals blanked, every line and column kept."""

    def blank(match):
        word = match.group(0)
        if word[0] in "\"'":
            return word[0] + " " * (len(word) - 2) + word[0]
        return re.sub(r"[^\n]", " ", word)

    return COMMENT_OR_STRING.sub(blank, text)


def room_of(path):
    """The room of a file below plugin/, else None."""
    parts = path.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "plugin" else None


def finish(name, findings):
    for finding in findings:
        print(finding)
    print(f"{name}: {len(findings)} findings" if findings else f"{name}: ok")
    return 1 if findings else 0
