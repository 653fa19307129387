"""Run ``tusd-py doctor``: find what is wrong with a configuration or a deployment."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from ssl import SSLContext
from typing import Annotated

import typer

from tusd_py.cli.common import Config, DataDir, settings_from
from tusd_py.cli.output import say_json, say_masked
from tusd_py.cli.refusal import refuse
from tusd_py.cli.server_options import (
    CaCert,
    Insecure,
    Token,
    checked_url,
    client_options,
    found_endpoint,
    names_no_path,
    token_of_environment,
    trusting,
)
from tusd_py.clock import SystemClock
from tusd_py.doctor.findings import Finding, Level
from tusd_py.domain.masking import masked
from tusd_py.logs import start_logging
from tusd_py.private_files import owner_only


def doctor(
    data_dir: DataDir = None,
    config: Config = None,
    url: Annotated[
        str | None, typer.Option(help="Check the deployment behind this tus endpoint.")
    ] = None,
    origin: Annotated[
        str | None, typer.Option(help="Origin of a web page that uses it.", show_default=False)
    ] = None,
    token: Token = None,
    cacert: CaCert = None,
    insecure: Insecure = False,
    rabbitmqctl: Annotated[
        str | None, typer.Option(help="A command that reaches the broker's rabbitmqctl.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Check the configuration in force, or with --url a deployment as clients see it.

    With --url and --config, check both. Exit with 1 if there is a problem.
    """
    from tusd_py.client import Refused, Unreachable

    say = _say_json if as_json else _say_text
    levels: Counter[Level] = Counter()
    if url is not None:
        address, _ = checked_url(url, token)
        if names_no_path(address):
            # What is not found is a finding about the address itself.
            with suppress(Refused, Unreachable):
                url = found_endpoint(url, client_options(cacert, insecure=insecure))
            address, _ = checked_url(url, token)
        token = token or token_of_environment(address)
    make_tls = partial(trusting, cacert, insecure=insecure)
    for finding in chain(
        _own(data_dir, config, rabbitmqctl, only_if_named=url is not None),
        () if url is None else _deployment(url, origin, token, make_tls),
    ):
        levels[finding.level] += 1
        say(finding)
    if not as_json:
        typer.echo(_summary(levels))
    raise typer.Exit(1 if levels[Level.PROBLEM] else 0)


def _own(
    data_dir: Path | None, config: Path | None, rabbitmqctl: str | None, *, only_if_named: bool
) -> Iterator[Finding]:
    """Check the configuration; with ``only_if_named``, only if a flag names it."""
    settings = settings_from(config, data_dir=data_dir)
    start_logging(settings)
    owner_only()
    if settings.log_level != "debug":
        # The findings report a service that is away; the log lines of libraries would repeat it.
        logging.disable()
    if only_if_named and config is None and data_dir is None:
        return
    from tusd_py.doctor.configuration import configuration_checks
    from tusd_py.doctor.run import run_checks

    checks = configuration_checks(settings, clock=SystemClock(), rabbitmqctl=rabbitmqctl)
    yield from run_checks(checks)


def _deployment(
    url: str, origin: str | None, token: str | None, make_tls: Callable[[], SSLContext]
) -> Iterator[Finding]:
    from tusd_py.doctor.deployment.examine import examine
    from tusd_py.doctor.deployment.probe_client import Unreachable

    try:
        yield from examine(url, origin=origin, token=token, clock=SystemClock(), make_tls=make_tls)
    except Unreachable as error:
        refuse(f"{url} can't be reached ({error})", 3)


def _say_text(finding: Finding) -> None:
    say_masked(f"{finding.level:<8} {finding.check:<26} {finding.sentence}")
    if finding.remedy:
        say_masked(f"         remedy: {finding.remedy}")


def _say_json(finding: Finding) -> None:
    members = {
        "check": finding.check,
        "level": finding.level,
        "sentence": masked(finding.sentence),
        "remedy": masked(finding.remedy),
    }
    say_json(members)


def _summary(levels: Counter[Level]) -> str:
    parts = [
        f"{levels[level]} {level}{'s' if level is not Level.OK and levels[level] != 1 else ''}"
        for level in (Level.PROBLEM, Level.WARNING, Level.NOTE, Level.OK)
    ]
    return ", ".join(parts)
