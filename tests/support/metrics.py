"""Read the samples of ``/metrics`` and the verdict of ``/readyz``."""

from collections import defaultdict
from collections.abc import Mapping

import httpx
from prometheus_client.parser import text_string_to_metric_families

Figures = Mapping[str, float]
"""Samples by name and values of the labels, joined by commas: ``tusd_jobs,queued``."""


def parsed(text: str) -> Figures:
    """Return the samples of one process, or those of several processes, added up."""
    found: defaultdict[str, float] = defaultdict(float)
    for of_process in by_process(text).values():
        for name, value in of_process.items():
            found[name] += value
    return found


def by_process(text: str) -> Mapping[str, Figures]:
    """Return the samples of each process by its number; those without a number are at ''."""
    found: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = [sample.labels[name] for name in sorted(sample.labels) if name != "process"]
            of_process = found[sample.labels.get("process", "")]
            of_process[",".join((sample.name, *labels))] = sample.value
    return found


def metrics(url: str) -> Figures:
    """Return the samples that an address shows, those of several processes added up."""
    return parsed(metrics_text(url))


def metrics_text(url: str) -> str:
    """Return what an address shows."""
    response = httpx.get(f"{url}/metrics", timeout=30)
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    return response.text


def failing(url: str) -> tuple[int, str, Mapping[str, str]]:
    """Return the answer of ``/readyz``: HTTP status, verdict, the reason of each failing check."""
    response = httpx.get(f"{url}/readyz", timeout=30)
    members = response.json()
    checks: dict[str, dict[str, str]] = members["checks"]
    assert all(check["status"] in ("ok", "failing") for check in checks.values())
    reasons = {name: check["reason"] for name, check in checks.items() if "reason" in check}
    return response.status_code, members["status"], reasons
