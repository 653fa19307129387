"""Run a real Prometheus with the configuration and the alerts of deploy/monitoring."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml
from support.services import Service

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"


class Prometheus(Service):
    """Scrapes the given addresses every half second; alerts fire without their delay."""

    def __init__(self, targets: Sequence[str]) -> None:
        super().__init__("prometheus")
        settings = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
        settings["global"] = {
            "scrape_interval": "500ms",
            "scrape_timeout": "500ms",
            "evaluation_interval": "500ms",
        }
        labelled = {"targets": list(targets), "labels": {"role": "server"}}
        settings["scrape_configs"][0]["static_configs"] = [labelled]
        (self.directory / "prometheus.yml").write_text(yaml.safe_dump(settings))
        rules = yaml.safe_load((MONITORING / "alerts.yml").read_text())
        for rule in rules["groups"][0]["rules"]:
            rule.pop("for", None)
        (self.directory / "alerts.yml").write_text(yaml.safe_dump(rules))

    def command(self) -> Sequence[str]:
        return (
            "prometheus",
            f"--config.file={self.directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
        )

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the result of a query.

        Raises: AssertionError: Prometheus refuses the query.
        """
        answer = httpx.get(
            f"http://127.0.0.1:{self.port}/api/v1/query", params={"query": expression}, timeout=30
        )
        assert answer.status_code == 200, (expression, answer.text)
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    def firing(self) -> set[str]:
        """Return the names of the alerts that fire."""
        alerts = httpx.get(f"http://127.0.0.1:{self.port}/api/v1/alerts", timeout=30).json()
        return {
            alert["labels"]["alertname"]
            for alert in alerts["data"]["alerts"]
            if alert["state"] == "firing"
        }
