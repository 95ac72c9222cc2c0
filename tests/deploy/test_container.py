"""The container's files agree with the program and with each other. scripts/image.sh builds the image and tries it."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_the_image_has_a_user_of_its_own_a_health_check_and_one_volume() -> None:
    last = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert re.findall(r"^VOLUME (\S+)$", last, re.MULTILINE) == ["/var/lib/flow_gl"]


def test_the_image_is_built_from_locks_and_of_everything_that_the_wheel_needs() -> None:
    assert DOCKERFILE.count("--require-hashes") == DOCKERFILE.count("pip install") - 1, "all but flow_gl itself"
    for lock in re.findall(r"locks/(\w+)\.lock", DOCKERFILE):
        assert (ROOT / "locks" / f"{lock}.lock").is_file()
    kept = set(re.findall(r"^!(\S+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE))
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {*wheel["packages"], *wheel["force-include"], "pyproject.toml", "README.md", "LICENSE", "locks"} == kept


def test_nothing_is_published_beyond_this_machine_and_the_root_is_read_only() -> None:
    services = COMPOSE["services"]
    assert set(services) == {"flow_gl", "prometheus", "grafana", "nats"}
    for name, service in services.items():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"]), name
    ours = services["flow_gl"]
    assert ours["read_only"] is True
    assert ours["cap_drop"] == ["ALL"]
    assert "/var/lib/flow_gl" in ours["volumes"][0]


def test_what_compose_mounts_is_there() -> None:
    for service in COMPOSE["services"].values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


def test_compose_accepts_its_file_and_asks_for_the_key() -> None:
    tool = shutil.which("docker-compose") or shutil.which("podman-compose")
    if tool is None:
        pytest.skip("neither docker-compose nor podman-compose is installed")
    command = [tool, "-f", str(DEPLOY / "compose.yaml"), "config"]
    environment = {name: value for name, value in os.environ.items() if name != "DATABENTO_API_KEY"}
    missing = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert missing.returncode != 0
    assert "DATABENTO_API_KEY" in missing.stderr
    environment["DATABENTO_API_KEY"] = "db-any"
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert set(yaml.safe_load(done.stdout)["services"]) == set(COMPOSE["services"])
