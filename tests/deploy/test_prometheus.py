"""Alert rules and dashboard: correct by promtool, and evaluated by a real Prometheus that scraped a running server."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.metrics_target import metrics_target
from tests.kit.prometheus import Prometheus, need_tools, running_prometheus
from tests.kit.waiting import until

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARD = json.loads((DEPLOY / "grafana" / "flow_gl.json").read_text())
METRIC = re.compile(r"\bflow_gl_\w+")


def promtool(*arguments: object) -> None:
    need_tools("promtool")
    done = subprocess.run(
        ["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False, cwd=RULES.parent
    )
    assert done.returncode == 0, done.stdout + done.stderr


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def queries() -> list[str]:
    """Every query of the dashboard, with its variables as Grafana fills them in."""
    found = [target["expr"] for panel in panels() for target in panel["targets"]]
    found += [one["expr"] for one in DASHBOARD["annotations"]["list"]]
    return [
        query.replace("$__rate_interval", "1m").replace("$instance", ".*").replace("$symbol", ".*") for query in found
    ]


def test_the_rules_are_correct_and_each_fault_raises_its_own_alert() -> None:
    promtool("check", "rules", RULES)
    promtool("test", "rules", RULES.with_name("alerts_test.yml"))


def test_the_configuration_is_correct(tmp_path: Path) -> None:
    config = tmp_path / "prometheus.yml"
    token = tmp_path / "metrics.token"
    token.write_text("x")
    text = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
    config.write_text(text.replace("/etc/prometheus/metrics.token", str(token)).replace("alerts.yml", str(RULES)))
    promtool("check", "config", config)


def test_every_rule_describes_the_fault_and_has_a_unit_test() -> None:
    rules = re.findall(r"- alert: (\w+)\n((?:(?!      - alert).*\n)+)", RULES.read_text())
    tests = RULES.with_name("alerts_test.yml").read_text()
    assert len(rules) > 15
    for name, body in rules:
        assert f'alertname="{name}"' in tests, name
        for part in ("severity: ", "summary: ", "description: "):
            assert part in body, name


def test_panels_have_names_and_explanations_and_do_not_overlap() -> None:
    every = DASHBOARD["panels"]
    assert len({panel["id"] for panel in every}) == len(every)
    taken: set[tuple[int, int]] = set()
    for panel in every:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    for panel in panels():
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that has scraped a running server some times."""
    folder = tmp_path_factory.mktemp("prometheus")
    with (
        metrics_target(folder) as target,
        running_prometheus(
            folder, target=target.address, rules=RULES, token=target.token, extra=target.scrape
        ) as found,
    ):
        # A rate takes two samples.
        until(lambda: found.query("count_over_time(flow_gl_trades_total[1m]) >= 3"), "three scrapes")
        yield found


def test_every_query_of_the_dashboard_finds_data(scraped: Prometheus) -> None:
    for query in queries():
        if "ALERTS" in query:
            scraped.query(query)
            continue
        # A scrape that a busy machine delayed for over a second leaves none until the next one.
        until(lambda query=query: scraped.query(query), query)


def test_every_rule_is_evaluated_and_a_healthy_server_raises_none(scraped: Prometheus) -> None:
    until(lambda: all(rule["health"] != "unknown" for rule in scraped.alert_rules()), "all rules evaluated")

    def with_alerts() -> list[dict[str, Any]]:
        return [rule for rule in scraped.alert_rules() if rule["alerts"]]

    # A scrape that a busy machine delayed for over a second is a fault until the next one.
    until(lambda: not with_alerts(), lambda: f"alerts: {with_alerts()}")
    for rule in scraped.alert_rules():
        assert rule["health"] == "ok", rule
        for metric in METRIC.findall(rule["query"]):
            missing = f"{rule['name']} asks for {metric}, which the server does not have"
            until(lambda metric=metric: scraped.query(metric), missing)


def test_the_dashboards_variables_find_their_values(scraped: Prometheus) -> None:
    lists = {one["name"]: one for one in DASHBOARD["templating"]["list"] if one["type"] == "query"}
    for one in lists.values():
        metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", one["definition"]).groups()  # type: ignore[union-attr]
        assert scraped.label_values(label, metric), one["name"]


def test_the_dashboard_shows_every_metric_of_the_server(scraped: Prometheus) -> None:
    shown = set(METRIC.findall(" ".join(queries()) + RULES.read_text()))
    known = {name for name in scraped.label_values("__name__", '{job="flow_gl"}') if name.startswith("flow_gl_")}
    unseen = {"flow_gl_engine_heartbeat_age_seconds", "flow_gl_trades_total", "flow_gl_trades_per_second"}
    unseen |= {
        "flow_gl_catch_up_ratio",
        "flow_gl_charts",
        "flow_gl_recording",
        "flow_gl_archiving",
        "flow_gl_recorded_trades_total",
    }
    unseen |= {"flow_gl_archived_rows_total", "flow_gl_last_price", "flow_gl_server_dropped_rows_total"}
    assert known - shown <= unseen


def test_each_scrape_has_the_totals_of_both_workers(scraped: Prometheus) -> None:
    assert [series["value"][1] for series in scraped.query("flow_gl_server_workers")] == ["2"]
