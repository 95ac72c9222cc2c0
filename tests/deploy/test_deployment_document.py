"""docs/deployment.md says what is so: limits, errors, alerts, and the unit's exposure."""

import inspect
import re
from pathlib import Path

from flow_gl.server.security import admission
from flow_gl.server.security.limits import describe_limits
from flow_gl.server.security.token_file import SCOPES

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "deployment.md").read_text()


def test_every_limit_is_there_with_its_default_and_meaning() -> None:
    part = DOCUMENT[DOCUMENT.index("| name | default | limits |") :]
    rows = re.findall(r"^\| `([\w-]+)` \| ([^|]+) \| (.+) \|$", part.partition("\n\n")[0], re.MULTILINE)
    assert rows == describe_limits()


def test_every_error_of_the_protection_is_explained() -> None:
    codes = set(re.findall(r"Refusal\(\s*\d+, \"(\w+)\"", inspect.getsource(admission)))
    assert len(codes) >= 9
    named = set(re.findall(r"^\| `(\w+)`", DOCUMENT, re.MULTILINE))
    assert codes <= named


def test_every_alert_has_its_remedy() -> None:
    rules = re.findall(r"- alert: (\w+)", (ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())
    assert re.findall(r"^\| `(FlowGL\w+)` \| .{20,} \|$", DOCUMENT, re.MULTILINE) == rules


def test_every_scope_is_explained() -> None:
    assert tuple(re.findall(r"^\| `(read|control|metrics)` \|", DOCUMENT, re.MULTILINE)) == SCOPES


def test_the_files_that_it_names_are_there() -> None:
    for name in set(re.findall(r"\b(?:deploy|scripts)/[\w./-]+\w", DOCUMENT)):
        assert (ROOT / name).exists() or name == "deploy/prometheus/metrics.token", name
