"""A real Prometheus on loopback, from Debian's package."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.kit.ports import lasting_port
from tests.kit.waiting import PATIENCE_S, until


def need_tools(*names: str) -> None:
    """Skip the test where commands are missing."""
    for name in names:
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed: scripts/setup.sh test installs it")


class Prometheus:
    """A running Prometheus that scrapes once a second."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Evaluate an expression now and return its series; raises HTTPError if it is wrong."""
        with urlopen(f"{self._url}/api/v1/query?{urlencode({'query': expression})}", timeout=PATIENCE_S) as answer:
            found = json.load(answer)
        assert found["status"] == "success", found
        data = found["data"]
        return data["result"] if data["resultType"] == "vector" else [data]

    def label_values(self, label: str, metric: str) -> list[str]:
        query = urlencode({"match[]": metric})
        with urlopen(f"{self._url}/api/v1/label/{label}/values?{query}", timeout=PATIENCE_S) as answer:
            return json.load(answer)["data"]

    def alert_rules(self) -> list[dict[str, Any]]:
        """Return the loaded rules with their health and their last error."""
        with urlopen(f"{self._url}/api/v1/rules?type=alert", timeout=PATIENCE_S) as answer:
            return [rule for group in json.load(answer)["data"]["groups"] for rule in group["rules"]]

    def is_ready(self) -> bool:
        try:
            with urlopen(f"{self._url}/-/ready", timeout=PATIENCE_S) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@contextmanager
def running_prometheus(
    folder: Path, *, target: str, rules: Path, token: str = "", extra: Sequence[str] = ()
) -> Iterator[Prometheus]:
    """Run Prometheus on a free port of loopback until the block ends.

    Parameters
    ----------
    target : host and port to scrape
    rules : file of alert rules
    token : for the scrape
    extra : lines for the scrape configuration, such as those for TLS
    """
    need_tools("prometheus")
    port = lasting_port()
    config = folder / "prometheus.yml"
    lines = [
        "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}",
        f"rule_files: ['{rules}']",
        "scrape_configs:",
        "  - job_name: flow_gl",
        f"    static_configs: [{{targets: ['{target}']}}]",
        *([f"    authorization: {{credentials: '{token}'}}"] if token else []),
        *(f"    {line}" for line in extra),
    ]
    config.write_text("\n".join(lines) + "\n")
    log = folder / "prometheus.log"
    command = [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=folder)
        try:
            found = Prometheus(port)
            until(found.is_ready, "a Prometheus that is ready")
            yield found
        finally:
            process.terminate()
            process.wait(PATIENCE_S)
