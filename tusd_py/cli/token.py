"""Run ``tusd-py token``: print a session token for tests of a server."""

from typing import Annotated

import typer

from tusd_py.cli.common import Config, settings_from
from tusd_py.cli.refusal import refuse
from tusd_py.settings.model import Settings


def token(
    user: Annotated[int, typer.Option(min=1, help="The user's number.")],
    tenant: Annotated[str | None, typer.Option(help="The group that the user is in.")] = None,
    role: Annotated[str | None, typer.Option(help="The role of the user, e.g. admin.")] = None,
    hours: Annotated[
        float | None, typer.Option(min=0.01, help="Its lifetime; auth.access_expire if not given.")
    ] = None,
    config: Config = None,
) -> None:
    """Print a session token signed with auth.access_secret."""
    settings = settings_from(config)
    if not settings.auth.access_secret.get_secret_value():
        refuse("auth.access_secret is not set: this server makes no session tokens")
    life = hours * 3600 if hours else settings.auth.access_expire
    typer.echo(signed_token(settings, user, role=role, tenant=tenant, life_seconds=life))


def signed_token(
    settings: Settings,
    user: int | str,
    *,
    role: str | None,
    tenant: str | None,
    life_seconds: float,
) -> str:
    """Return a session token that is signed with ``auth.access_secret``, which must be set.

    It has the claims that the settings demand.
    """
    from tusd_py.auth.session import session_token
    from tusd_py.clock import SystemClock
    from tusd_py.http.session_access import claim_rules

    return session_token(
        settings.auth.access_secret.get_secret_value().encode(),
        claim_rules(settings.auth),
        user_id=user,
        role=role,
        tenant=tenant,
        issued_at=SystemClock().now(),
        life_seconds=life_seconds,
    )
