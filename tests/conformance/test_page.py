"""docs/mqtt.md leads nowhere but to what it holds, and leaves out no topic and no operation."""
import re

from schemas import ROOT, topics

PAGE = (ROOT / "docs" / "mqtt.md").read_text(encoding="utf-8")
PROSE = re.sub(r"```.*?```", "", PAGE, flags=re.S)
HEADINGS = [re.sub(r"^#+ ", "", line) for line in PROSE.splitlines() if line.startswith("#")]


def anchor(heading):
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_links_lead_to_headings():
    anchors = [anchor(h) for h in HEADINGS]
    assert len(set(anchors)) == len(anchors), sorted(a for a in anchors if anchors.count(a) > 1)
    wanted = set(re.findall(r"\]\(#([^)]+)\)", PROSE))
    assert wanted and wanted <= set(anchors), wanted - set(anchors)


def test_every_topic_and_operation_is_told():
    told = {re.sub(r"<\w+>/", "", h.strip("`")) for h in HEADINGS if h.startswith("`")}
    assert told == {t for t in topics() if not t.startswith("bridge/re")}
    for topic in topics():
        if topic.startswith("bridge/request/"):
            name = topic[len("bridge/request/") :]
            assert f"| `{name}` |" in PAGE and f"mosquitto_pub -t flip2mqtt/{topic} -m " in PAGE, name
