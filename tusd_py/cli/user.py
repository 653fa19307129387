"""Run ``tusd-py user``: print tokens of a server that signs them with ``auth.access_secret``.

There is no list of users: the number of a user is computed from the name, and the holder of a token
with that number is that user (docs/decisions/0020).
"""

from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from tusd_py.cli.common import Config, settings_from
from tusd_py.cli.refusal import refuse
from tusd_py.cli.token import signed_token
from tusd_py.domain.caller import Caller
from tusd_py.domain.durations import DAY_SECONDS
from tusd_py.domain.errors import TokenInvalid
from tusd_py.domain.masking import masked_value
from tusd_py.domain.quantities import parse_duration
from tusd_py.settings.access import AuthSettings
from tusd_py.settings.model import Settings

LONGEST_DAYS: Final = 3650

app = typer.Typer(help="Print tokens for users.", no_args_is_help=True)


@app.callback()
def _root() -> None:
    """Print tokens for users."""


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="The name or the number of the user.")],
    tenant: Annotated[str | None, typer.Option(help="The group that the user is in.")] = None,
    role: Annotated[
        str | None, typer.Option(help="The role of the user: admin opens the operator's page.")
    ] = None,
    expires: Annotated[str, typer.Option(help="Lifetime of the token, e.g. 12h or 30d.")] = "30d",
    config: Config = None,
) -> None:
    """Print a session token for a user; standard error shows how to use it.

    The same name is always the same user. Run it where the server's settings are, e.g. in its
    container.
    """
    settings = settings_from(config)
    life = _life_seconds(expires)
    _check_name(name)
    if "" in (tenant, role):
        refuse("--tenant and --role must not be empty; leave them out")
    _check_secret(settings.auth, name)
    token = signed_token(settings, name, role=role, tenant=tenant, life_seconds=life)
    caller, ends = _read_back(settings, token)
    typer.echo(_explained(name, caller, ends), err=True)
    typer.echo(token)


def _life_seconds(expires: str) -> float:
    try:
        seconds = parse_duration(expires)
    except ValueError as error:
        refuse(f"--expires: {error}")
    if not isinstance(seconds, float) or not 1 <= seconds <= LONGEST_DAYS * DAY_SECONDS:
        refuse(f"--expires: must be between 1s and {LONGEST_DAYS}d")
    return seconds


def _check_name(name: str) -> None:
    if not name.isprintable() or name != name.strip():
        refuse("a name is printable text that neither begins nor ends with a space")


def _check_secret(auth: AuthSettings, name: str) -> None:
    if auth.access_secret.get_secret_value():
        return
    if auth.jwks_url:
        claim = auth.user_claim or "userId or sub"
        refuse(
            f"users are made at the issuer whose keys are at {masked_value(auth.jwks_url)}: let "
            "it sign a token "
            f"with {name} in the claim {claim}; set auth.access_secret as well to make tokens here"
        )
    refuse(
        "auth.access_secret is not set, so this server knows no users: openssl rand -hex 32 makes "
        "a secret, which the server and this command need (TUSD_AUTH__ACCESS_SECRET)"
    )


def _read_back(settings: Settings, token: str) -> tuple[Caller, datetime]:
    """Return the user of the token and its end (UTC); refuse if the server would not accept it."""
    from tusd_py.auth.session import caller_of, unverified_header, verified_claims
    from tusd_py.http.session_access import claim_rules

    rules = claim_rules(settings.auth)
    secret = settings.auth.access_secret.get_secret_value().encode()
    try:
        unverified_header(token)
        claims = verified_claims(token, secret, rules)
        return caller_of(claims, rules), datetime.fromtimestamp(claims["exp"], UTC)
    except TokenInvalid:
        refuse(
            "the server would not take such a token: a name has up to 255 characters, a tenant "
            "128, and the whole token 8192"
        )


def _explained(name: str, caller: Caller, ends: datetime) -> str:
    return "\n".join(
        (
            f"{name} is the user with the number {caller.user_id}, until {ends:%Y-%m-%d %H:%M} "
            "UTC by this token:",
            '  page      paste it into the field "Access token"',
            "  commands  tusd-py login URL, or export TUSD_URL=URL TUSD_TOKEN=...",
            "  HTTP      Authorization: Bearer ...",
            "Everyone who has the token is this user. Before its end only another "
            "auth.access_secret withdraws it.",
        )
    )
