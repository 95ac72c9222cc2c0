"""The documents are true: links work, keys and exit codes are the program's, worked examples are reproduced."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from flow_gl.core import errors
from flow_gl.core.settings import AggregationSettings
from flow_gl.core.system import libraries
from flow_gl.engine.kernels.profile import levels_of
from flow_gl.ui.input.actions import ACTIONS

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")])
README = (ROOT / "README.md").read_text()
DEFINITIONS = (ROOT / "docs" / "definitions.md").read_text()
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def anchors(text: str) -> set[str]:
    """Return the names under which a document's headings are linked."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(document: Path) -> None:
    text = document.read_text()
    for target in LINK.findall(text):
        if target.startswith(("http:", "https:")):
            continue
        name, _, anchor = target.partition("#")
        there = document if not name else (document.parent / name).resolve()
        assert there.exists(), f"{document.name} links to {target}"
        if anchor:
            assert anchor in anchors(there.read_text()), f"{document.name} links to {target}"


def test_the_readme_has_every_key() -> None:
    table = README[README.index("### Keys and mouse") : README.index("## Commands")]
    named = {word.strip() for cell in table.split("|") for word in re.split(r"[ ,]+", cell)}
    named |= set(re.findall(r"`(.)`", table))  # the comma, which separates keys elsewhere
    groups = {f"{held}{n}" for held in ("", "Ctrl+") for n in range(1, 10)}  # written 1-9
    missing = [a.name for a in ACTIONS if a.key_label not in named | groups]
    assert missing == []


def test_the_readme_has_every_exit_code() -> None:
    codes = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert codes == {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}


def test_the_readme_has_every_system_package() -> None:
    line = re.search(r"^apt-get install --no-install-recommends ((?:.*\\\n)*.*)$", README, re.MULTILINE)
    assert line is not None
    rows = [set(row.split()) for row in line[1].split("\\\n")]
    listed = libraries.read_list()
    assert rows == [
        {one.packages["debian"] for one in listed if one.need == need} for need in ("chart", "window", "headless")
    ]
    below = README[README.index(line[1]) :].split("\n\n")[1]
    assert all(one.packages["debian"] in below for one in listed if one.need == "wayland")


def test_the_readme_has_every_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    table = README[README.index("**Extras.**") : README.index("**Linux libraries.**")]
    named = set(re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in table.splitlines() if row.startswith("|"))))
    assert named == set(project["optional-dependencies"])


def worked_examples() -> list[tuple[list[int], int, list[tuple[int, int, int]]]]:
    """Return the rows of the table: volumes, POC, and (low, high, held) for one and for two rows at a time."""
    rows = re.findall(
        r"^\| ([\d ]+) \| (\d+) \| (\d+)-(\d+), (\d+) \| (\d+)-(\d+), (\d+) \|$", DEFINITIONS, re.MULTILINE
    )
    found = []
    for volumes, poc, *numbers in rows:
        one, two = [int(n) for n in numbers[:3]], [int(n) for n in numbers[3:]]
        found.append(([int(n) for n in volumes.split()], int(poc), [tuple(one), tuple(two)]))
    return found  # type: ignore[return-value]  # three numbers each, by the pattern


def test_the_worked_examples_of_the_value_area_are_reproduced() -> None:
    examples = worked_examples()
    assert len(examples) == 8
    for volumes, poc, areas in examples:
        for step, area in zip((1, 2), areas, strict=True):
            settings = AggregationSettings(value_area=0.70, value_area_step=step)
            levels = levels_of(np.array(volumes, np.int64), settings, most_nodes=64)
            assert (levels.poc, (levels.low, levels.high, levels.held)) == (poc, area), f"{volumes}, step {step}"


RELIABILITY = (ROOT / "docs" / "reliability.md").read_text()


def shown_by() -> list[str]:
    """Return the tests named in the tables of docs/reliability.md."""
    rows = [line.strip("|").split("|") for line in RELIABILITY.splitlines() if line.startswith("| ") and "`" in line]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row[-1])]


def test_every_fault_names_a_test_that_exists() -> None:
    sources = [path.read_text() for path in ROOT.glob("tests/**/test_*.py")]
    tests = {name: source for source in sources for name in re.findall(r"^def test_(\w+)", source, re.MULTILINE)}
    names = shown_by()
    assert len(names) > 40
    missing, short = [], ""
    for name in names:
        if name.endswith(".py"):
            missing += [] if (ROOT / name).is_file() else [name]
            continue
        stem, _, case = name.partition("[")
        stem = stem or short  # "[b]" after "name[a]": another case of the same test
        short = stem
        pattern = re.compile(re.escape(stem).replace(re.escape("..."), r"\w*"))
        found = [source for test, source in tests.items() if pattern.fullmatch(test)]
        if not any(case.rstrip("]") in source for source in found):
            missing.append(name)
    assert missing == []
