"""Advice for packages that are not installed works from a checkout and from a wheel, without any index of flow_gl."""

import sys

import pytest

from flow_gl.core.system import packages


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata

    lines = ["numpy>=2.4", 'av>=18.1; extra == "video"', "psycopg[binary]>=3.3 ; extra == 'archive'", "flow_gl[x]"]
    monkeypatch.setattr(importlib.metadata, "requires", lambda _name: lines)


@pytest.mark.usefixtures("metadata")
def test_the_advice_names_the_packages_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/opt/flow/bin/python")
    assert packages.install_advice("video") == '/opt/flow/bin/python -m pip install "av>=18.1"'
    assert packages.install_advice("archive") == '/opt/flow/bin/python -m pip install "psycopg[binary]>=3.3"'


@pytest.mark.usefixtures("metadata")
def test_a_path_with_spaces_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "C:\\Program Files\\python.exe")
    assert packages.install_advice("video").startswith('"C:\\Program Files\\python.exe" -m pip')


@pytest.mark.usefixtures("metadata")
def test_an_unknown_extra_points_to_the_project() -> None:
    assert "pyproject.toml" in packages.install_advice("absent")


def test_a_bundle_has_no_pip_to_install_anything_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert packages.install_advice("cluster") == "it is not part of this package: install flow_gl with pip to use it"
