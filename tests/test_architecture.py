"""ARCHITECTURE.md leads a reader to modules and names that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
QUOTED = sorted(set(re.findall(r"`([^`\n]+)`", TEXT)))
PLACES = (
    *("", "flow_gl", "flow_gl/layers", "flow_gl/services", "flow_gl/ui", "flow_gl/server"),
    *("shaders", "shaders/include", "tests/engine/detectors"),
)
"""Folders from which the document's tables abbreviate paths."""
ROOMS = {path.name for path in (ROOT / "flow_gl").iterdir() if (path / "__init__.py").is_file()}
PATHS = [one for one in QUOTED if re.fullmatch(r"(\w+/)+\w*(\.\w+)?|\w+\.(py|glsl|vert)", one)]
NAMES = [one for one in QUOTED if re.fullmatch(r"\w+(\.\w+)+", one) and one.split(".")[0] in ROOMS and one not in PATHS]


@pytest.mark.parametrize("path", PATHS)
def test_a_named_path_exists(path: str) -> None:
    found = [ROOT / place / f"{path}{ending}" for place in PLACES for ending in ("", ".py")]
    assert any(one.exists() for one in found)


@pytest.mark.parametrize("name", NAMES)
def test_a_named_module_class_or_function_exists(name: str) -> None:
    parts = name.split(".")
    count = next(n for n in range(len(parts), 0, -1) if _module(parts[:n]) is not None)
    module, rest = _module(parts[:count]), parts[count:]
    assert module is not None
    source = module.read_text("utf-8")
    assert all(re.search(rf"\b{one}\b", source) for one in rest)


def test_the_document_names_enough_for_these_tests_to_mean_something() -> None:
    assert len(PATHS) > 80
    assert len(NAMES) > 80


def _module(parts: list[str]) -> Path | None:
    """Return the file of a module or package; None if there is none."""
    base = ROOT.joinpath("flow_gl", *parts)
    return next((one for one in (base.with_suffix(".py"), base / "__init__.py") if one.is_file()), None)
