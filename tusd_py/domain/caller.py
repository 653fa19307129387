"""Who is asking."""

from dataclasses import dataclass

from tusd_py.domain.ids import ANONYMOUS, UserId


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody, as the deployment's authentication knows them."""

    user_id: UserId
    tenant: str = ""
    """The group whose members may share what is stored, where instant upload is set so; '' : none."""


EVERYBODY = Caller(ANONYMOUS)
"""The one caller there is where authentication is off (S22)."""
