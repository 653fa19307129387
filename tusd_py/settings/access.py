"""Sets who may use the server: identities, and pages of other sites."""

from typing import Self

from pydantic import Field, SecretStr, model_validator

from tusd_py.domain.durations import DAY_SECONDS
from tusd_py.settings.section import Section
from tusd_py.settings.values import (
    Duration,
    FieldName,
    Origin,
    SigningSecret,
)


class CorsSettings(Section):
    """Sets which pages of other sites may use the server in browsers."""

    allow_origins: tuple[Origin, ...] | None = Field(
        None,
        description=(
            "Origins of other sites whose pages may use the server, as browsers send them, or * "
            "for all, which needs authentication. If it is not set, all are allowed where auth "
            "requires tokens in headers, and otherwise none. The server's own pages are always "
            "allowed"
        ),
    )
    allow_credentials: bool = Field(
        False,
        description="Allow pages to send cookies; their origins must be listed, and * is refused",
    )
    allow_headers: tuple[FieldName, ...] = Field(
        (),
        description=(
            "Header fields that pages may send in addition to those of this server's clients, e.g. "
            "X-Tenant; *: all that a page of an allowed origin asks for"
        ),
    )
    expose_headers: tuple[FieldName, ...] = Field(
        (),
        description=(
            "Header fields of answers that pages may read in addition to those of this server, "
            "e.g. fields that a proxy adds"
        ),
    )
    disable: bool = Field(
        False,
        description=(
            "Add no CORS header fields to answers, because a proxy adds them. Pages of origins "
            "that are not allowed are refused all the same"
        ),
    )
    max_age: Duration = Field(
        float(DAY_SECONDS), description="Time for which a browser may keep a preflight's answer"
    )

    @model_validator(mode="after")
    def _exposed_by_name(self) -> Self:
        if "*" in self.expose_headers:
            raise ValueError(
                "expose_headers: list the names; browsers do not take * together with credentials, "
                "and it never includes Authorization"
            )
        return self

    @model_validator(mode="after")
    def _credentials_for_listed(self) -> Self:
        if self.allow_credentials and "*" in (self.allow_origins or ("*",)):
            raise ValueError(
                "allow_credentials needs origins that are listed in allow_origins, and * is none: "
                "every web page would act with the cookies of the user that opens it"
            )
        return self


class AuthSettings(Section):
    """Sets how users are identified (requirement S22). ``Auth`` in the original design.

    Without a secret and without a key set, all clients are the same anonymous user.
    """

    required: bool = Field(
        False,
        description=(
            "Refuse to start without access_secret or jwks_url, on any address; for deployments, "
            "where a proxy hides the clients' addresses"
        ),
    )
    access_secret: SigningSecret = Field(
        SecretStr(""),
        description=(
            "Key of session tokens that are signed with HS256, at least 32 bytes: openssl rand "
            "-hex 32"
        ),
    )
    access_expire: Duration = Field(
        36000.0,
        gt=0,
        description=(
            "Validity of the tokens that tusd-py token makes; tusd-py user add sets its own"
        ),
    )
    jwks_url: str = Field(
        "",
        pattern=r"^(https?://[^/\s]+\S*)?$",
        description=(
            "Address of an issuer's keys (JSON Web Key Set) for session tokens signed with RS256, "
            "ES256 or EdDSA"
        ),
    )
    jwks_max_age: Duration = Field(
        3600.0,
        gt=0,
        description=(
            "Time after which keys are fetched again, as they are for an unknown key id; the old "
            "keys are used while the address can't be reached"
        ),
    )
    issuer: str = Field("", description="Value that a session token's iss must have; empty: any")
    audience: str = Field(
        "", description="Value that a session token's aud must contain; empty: any"
    )
    user_claim: str = Field(
        "",
        description=(
            "Claim with the user: a positive number, or a text, which gets a number; empty: "
            "userId, otherwise sub"
        ),
    )
    role_claim: str = Field(
        "role", min_length=1, description="Claim with the user's role, a text or a list of texts"
    )
    admin_role: str = Field(
        "admin",
        min_length=1,
        description="Role of the users that may see /admin and retry failed tasks",
    )
    tenant_claim: str = Field(
        "tenant",
        min_length=1,
        description="Claim with the group that the user belongs to (instant.scope: tenant)",
    )
    priority_claim: str = Field(
        "",
        description=(
            "Claim with the priority of the user's files at the workers, a whole number from -9 "
            "to 9: all jobs of a higher priority begin before those of a lower one, which may "
            "wait for a long time. If this is empty or the claim has another value, the priority "
            "is 0"
        ),
    )
    upload_token_secret: SigningSecret = Field(
        SecretStr(""),
        description=(
            "Key with which servers sign upload tokens and tickets, the same on all servers; "
            "empty: derived from access_secret"
        ),
    )

    @property
    def enabled(self) -> bool:
        """Return whether session tokens are required."""
        return bool(self.access_secret.get_secret_value() or self.jwks_url)

    def grant_secret(self) -> bytes:
        """Return the secret from which the keys of upload tokens and tickets are derived.

        It is empty if there are no such tokens.
        """
        own = self.upload_token_secret.get_secret_value()
        return (own or self.access_secret.get_secret_value()).encode()
