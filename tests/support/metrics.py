"""Read the samples of ``/metrics`` and the verdict of ``/readyz``."""

from collections.abc import Mapping

import httpx
from prometheus_client.parser import text_string_to_metric_families

Figures = Mapping[str, float]
"""Samples by name and values of the labels, joined by commas: ``tusd_jobs,queued``."""


def parsed(text: str) -> Figures:
    return {
        ",".join((sample.name, *(sample.labels[name] for name in sorted(sample.labels)))): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def metrics(url: str) -> Figures:
    """Return the samples of the process that answers there."""
    response = httpx.get(f"{url}/metrics", timeout=30)
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    return parsed(response.text)


def failing(url: str) -> tuple[int, str, Mapping[str, str]]:
    """Return the answer of ``/readyz``: HTTP status, verdict, the reason of each failing check."""
    response = httpx.get(f"{url}/readyz", timeout=30)
    members = response.json()
    checks: dict[str, dict[str, str]] = members["checks"]
    assert all(check["status"] in ("ok", "failing") for check in checks.values())
    reasons = {name: check["reason"] for name, check in checks.items() if "reason" in check}
    return response.status_code, members["status"], reasons
