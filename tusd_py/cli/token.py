"""``tusd-py token``: a session token, for trying the server out with."""

from typing import Annotated

import typer

from tusd_py.cli.common import Config, refuse, settings_from


def token(
    user: Annotated[int, typer.Option(min=1, help="The user's number.")],
    tenant: Annotated[str | None, typer.Option(help="The group that the user is in.")] = None,
    role: Annotated[str | None, typer.Option(help="What the user may be, e.g. admin.")] = None,
    hours: Annotated[
        float | None, typer.Option(min=0.01, help="Its life; auth.access_expire if not given.")
    ] = None,
    config: Config = None,
) -> None:
    """Print a session token signed with auth.access_secret."""
    settings = settings_from(config)
    secret = settings.auth.access_secret.get_secret_value()
    if not secret:
        refuse("auth.access_secret is not set: this server makes no session tokens")
    from tusd_py.access.session import session_token
    from tusd_py.clock import SystemClock
    from tusd_py.http.access import claim_rules

    typer.echo(
        session_token(
            secret.encode(),
            claim_rules(settings.auth),
            user_id=user,
            role=role,
            tenant=tenant,
            issued_at=SystemClock().now(),
            life_seconds=hours * 3600 if hours else settings.auth.access_expire,
        )
    )
