"""Refuses settings with which no user, or every client, could use a server."""

from tusd_py.settings.model import Settings
from tusd_py.settings.sources import SettingsError


def check_identity(settings: Settings) -> None:
    """Check that the users of a server are known, or that only this machine reaches it.

    Raises: SettingsError.
    """
    if settings.lacks_identity:
        raise SettingsError(
            "auth.required is set, but no source of users is: set auth.access_secret or "
            "auth.jwks_url (openssl rand -hex 32 makes a secret)"
        )
    if settings.open_to_strangers and not settings.allow_anonymous:
        raise SettingsError(
            f"{settings.host} can be reached by others, and no user has to authenticate: set "
            "auth.access_secret or auth.jwks_url, or listen on 127.0.0.1; allow_anonymous is for "
            "networks that only trusted users can reach"
        )
