"""Defines the sections of the settings, with their defaults and bounds."""

from typing import Final, Literal, Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from tusd_py.domain.durations import DAY_SECONDS, WEEK_SECONDS
from tusd_py.domain.hook import HookEvent
from tusd_py.domain.quota import Quota
from tusd_py.settings.values import (
    GIB,
    Duration,
    Extension,
    HookSecret,
    Origin,
    SigningSecret,
    Size,
)

BYTES_OF_A_FILE: Final = 64 << 10
"""Bytes of a quota for which it allows one file, which needs up to 22 KiB of the database."""
FEWEST_FILES: Final = 1000
"""A quota of bytes allows at least this number of files."""


class Section(BaseModel):
    """Is the base of all sections: frozen, and an unknown name is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
    max_age: Duration = Field(
        float(DAY_SECONDS), description="Time for which a browser may keep a preflight's answer"
    )

    @model_validator(mode="after")
    def _credentials_for_listed(self) -> Self:
        if self.allow_credentials and "*" in (self.allow_origins or ("*",)):
            raise ValueError(
                "allow_credentials needs origins that are listed in allow_origins, and * is none: "
                "every web page would act with the cookies of the user that opens it"
            )
        return self


class WhitelistSettings(Section):
    """Sets which file types are accepted (requirements S3, S24)."""

    extensions: tuple[Extension, ...] = Field(
        (),
        description=(
            "Extensions without the dot, e.g. mp4, jpg; empty: every file is accepted, as opaque "
            "bytes"
        ),
    )


class InstantSettings(Section):
    """Sets instant uploads, whose content the pool already holds (秒传)."""

    scope: Literal["off", "owner", "tenant", "global"] = Field(
        "owner",
        description=(
            "Files that make an upload complete at once when its hash is declared: none (off); "
            "the owner's own files (owner); also those of the same tenant (tenant) or of all "
            "users (global), if the user gives an ownership proof"
        ),
    )
    min_size: Size = Field(
        1 << 20,
        description=(
            "Size below which files of other owners make no upload complete, even with a proof"
        ),
    )
    most_owners: int = Field(
        20,
        ge=0,
        description=(
            "With scope global, a file makes uploads of other users complete only if a secret "
            "number of owners have it, which is from 2 to this number; 0: one owner is enough, as "
            "with scope tenant"
        ),
    )
    challenges_per_hour: int = Field(
        60, ge=0, description="Number of proofs that one user may try within an hour"
    )
    patch: Literal["jump", "count", "refuse"] = Field(
        "jump",
        description=(
            "Answer to a PATCH of an instant upload: its full length (jump), the offset as if the "
            "bytes had been received (count), or 409 (refuse). Clients may choose by the metadata "
            "key instant"
        ),
    )


class LimitSettings(Section):
    """Sets what one user may have, and what the disk must keep free; 0: no limit."""

    open_uploads: int = Field(0, ge=0, description="Number of unfinished uploads of one user")
    stored_bytes: Size = Field(
        0, description="Bytes of all uploads of one user, finished, or declared and unfinished"
    )
    stored_files: int = Field(
        0,
        ge=0,
        description=(
            "Number of uploads of one user, finished or not, also empty ones; 0: if "
            "limits.stored_bytes is set, one for each 64 KiB of it and at least 1000, otherwise "
            "no limit"
        ),
    )
    requests: int = Field(
        0,
        ge=0,
        description=(
            "Creations of uploads and requests about tasks by one user within limits.window; HEAD, "
            "PATCH, DELETE and GET of uploads are not counted"
        ),
    )
    window: Duration = Field(60.0, gt=0, description="Period in which limits.requests are counted")
    bytes_per_second: Size = Field(
        0, description="Highest rate of one user's bytes, in all uploads and servers together"
    )
    streams: int = Field(
        20,
        ge=0,
        description=(
            "Streams (Server-Sent Events and WebSocket) that one user may have open at each "
            "server; not applied without auth, where all clients are the same user"
        ),
    )
    disk_reserve: Size = Field(
        64 << 20,
        description=(
            "Free space of the disk that uploads never use: new uploads are refused and bodies "
            "end before less is free (507). A quarter of it, at most 8 MiB, is kept in files for "
            "the databases, so that files can be deleted from a full disk"
        ),
    )

    reprocessed_files: int = Field(
        20,
        ge=0,
        description=(
            "Number of files that one user may process again within a day; there is no limit for "
            "operators"
        ),
    )
    parts: int = Field(
        1000,
        ge=1,
        description=(
            "Number of parts of a final upload (Upload-Concat); one with more is refused (413)"
        ),
    )

    def quota(self) -> Quota | None:
        """Return the limits of one owner; None if there are none."""
        files = self.stored_files
        if self.stored_bytes and not files:
            files = max(FEWEST_FILES, self.stored_bytes // BYTES_OF_A_FILE)
        if not self.open_uploads and not files:
            return None
        return Quota(
            open_uploads=self.open_uploads or None,
            stored_bytes=self.stored_bytes or None,
            stored_files=files or None,
        )


class ConnectionSettings(Section):
    """Limits connections: their number, and what each may send before a request is complete."""

    total: int = Field(
        0,
        ge=0,
        description=(
            "Number of connections at the same time. The limit of open files (RLIMIT_NOFILE) "
            "applies too; 0: as many as it allows, 4096 at most. For a connection beyond the "
            "number, one that has sent no complete request is closed"
        ),
    )
    per_address: int = Field(
        256,
        ge=0,
        description=(
            "Number of connections of one address (IPv6: of one /64 network) at the same time. It "
            "does not apply to loopback, nor with behind_proxy; 0: no limit"
        ),
    )
    pipelined: int = Field(
        32,
        ge=0,
        description=(
            "Number of requests that may wait on one connection for the answer to an earlier one"
        ),
    )
    head_bytes: Size = Field(
        64 << 10,
        ge=1024,
        description="Longest head of a request: request line and header fields (431)",
    )
    target_bytes: Size = Field(8 << 10, ge=64, description="Longest target of a request (414)")
    fields: int = Field(
        100,
        ge=8,
        description="Number of header fields of one request, and of trailers of one request (431)",
    )
    trailer_bytes: Size = Field(
        8 << 10,
        description=(
            "Size of all trailers of one request together, or of one chunk's extensions (431)"
        ),
    )
    head_timeout: Duration = Field(
        20.0,
        gt=0,
        description=(
            "Time in which a head must be complete, from the opening of the connection, or from "
            "its first byte on a connection that was used before (408)"
        ),
    )
    idle_timeout: Duration = Field(
        65.0,
        gt=0,
        description=(
            "Time without a request after which a connection is closed; it is longer than the 60 "
            "s for which nginx keeps one open"
        ),
    )
    send_timeout: Duration = Field(
        60.0,
        gt=0,
        description=(
            "Time after which a connection is closed whose client reads nothing of an answer, or "
            "less than min_rate"
        ),
    )


class ScanSettings(Section):
    """Sets the virus scanner, clamd."""

    address: str = Field(
        "",
        pattern=r"^(/.+|[^/\s]+:[0-9]{1,5})?$",
        description="host:port of clamd, or the path of its socket; empty: files are not scanned",
    )
    timeout: Duration = Field(
        120.0, gt=0, description="Time without progress after which a scan is given up"
    )
    on_failure: Literal["closed", "open"] = Field(
        "closed",
        description=(
            "If the scanner gives no verdict, files wait for one (closed), or are stored without "
            "it (open)"
        ),
    )
    max_bytes: Size = Field(
        25 << 20,
        le=4 * GIB,
        description=(
            "Size of the largest file that is sent to clamd; it must not exceed clamd's "
            "StreamMaxLength, which is 25 MiB in Debian's configuration and 4 GiB at most"
        ),
    )
    above_limit: Literal["refuse", "accept"] = Field(
        "refuse",
        description="A file that is too large to be scanned is refused (refuse) or stored (accept)",
    )


class JobSettings(Section):
    """Sets how jobs are leased and retried (decision 2)."""

    per_user: int = Field(
        0,
        ge=0,
        description=(
            "Number of jobs of one user that may run at the same time in each of the two lanes "
            "(with ffmpeg, without), on all workers together; 0: no limit. Users take turns in "
            "any case"
        ),
    )
    lease: Duration = Field(
        60.0,
        gt=0,
        description="Time after which a worker that does not renew its lease loses its job",
    )
    renew_every: Duration = Field(
        15.0, gt=0, description="Interval at which a worker renews its lease"
    )
    max_attempts: int = Field(
        5, ge=1, description="Number of attempts after which a transient error is final"
    )
    max_crashes: int = Field(
        3,
        ge=1,
        description=(
            "Number of crashes of workers after which a file counts as poison; after one crash "
            "less, nothing is made of the file and it is stored as it was sent"
        ),
    )
    keep_failed: Duration = Field(
        0.0,
        description=(
            "Time for which the file of a job is kept for another attempt if the file did not "
            "cause the failure; 0: until its owner deletes it or an operator drops it"
        ),
    )
    backoff: tuple[Duration, ...] = Field(
        (10.0, 30.0, 120.0, 600.0, 1800.0), description="Pauses between attempts"
    )
    resource_backoff: Duration = Field(
        120.0,
        description=(
            "Pause after a full disk or a missing service, which does not count as an attempt"
        ),
    )
    reap_every: Duration = Field(
        15.0, gt=0, description="Interval at which expired leases are searched"
    )
    relay_every: Duration = Field(
        1.0, gt=0, description="Interval at which the outbox is read without a wake-up"
    )
    janitor_every: Duration = Field(
        300.0, gt=0, description="Interval at which the janitor removes unused files"
    )
    orphans_every: Duration = Field(
        6 * 3600.0,
        gt=0,
        description=(
            "Average interval at which a worker searches the whole object store for objects "
            "without a reference"
        ),
    )
    verify_source: bool = Field(
        True,
        description=(
            "Read a file again before it is published, to find bits that changed on the disk"
        ),
    )


class HooksSettings(Section):
    """Sets how an application decides about uploads and gets events (docs/hooks.md)."""

    url: str = Field(
        "",
        pattern=r"^(https?://[^/\s]+\S*)?$",
        description="Address that gets signed POST requests; empty: none",
    )
    secret: HookSecret = Field(
        SecretStr(""),
        description=(
            "Key that signs the requests (Standard Webhooks): whsec_ and base64, or any text; "
            "empty: they are not signed"
        ),
    )
    events: tuple[HookEvent, ...] = Field(
        tuple(HookEvent),
        description="Events that are sent to the address; pre-create waits for its decision",
    )
    format: Literal["tusd-py", "tusd"] = Field(
        "tusd-py", description="Members of the requests: our own, or those of tusd 2"
    )
    timeout: Duration = Field(
        5.0, gt=0, description="Time after which a request without an answer counts as failed"
    )
    give_up_after: Duration = Field(
        float(DAY_SECONDS),
        description="Time after which an event that can't be delivered is dropped",
    )
    callables: str = Field(
        "",
        pattern=r"^([A-Za-z_][\w.]*:[A-Za-z_]\w*)?$",
        description=(
            "module:name of a tusd_py.hooks.Hooks, whose functions are called in the server"
        ),
    )


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


class MysqlSettings(Section):
    """Sets where the catalog is (``MySQL`` in the original design); it is SQLite by default."""

    data_source: SecretStr = Field(
        SecretStr(""),
        description="user:password@tcp(host:3306)/database, or mysql://user:password@host/database",
    )


class RedisSettings(Section):
    """Sets where the view of tasks is, and how servers take uploads over from each other.

    This is ``Redis`` in the original design. Without an address the view is SQLite, and only one
    server can use the data directory.
    """

    addr: str = Field("", description="host:port")
    password: SecretStr = Field(SecretStr(""), description="Password")
    db: int = Field(0, ge=0, description="Number of the database")

    def url(self) -> str:
        """Return the address as a URL, with the password."""
        password = quote(self.password.get_secret_value(), safe="")
        return f"redis://{f':{password}@' if password else ''}{self.addr}/{self.db}"


class RabbitMqSettings(Section):
    """Sets the queue of jobs; without a host it is SQLite. ``RabbitMQ`` in the original design."""

    host: str = Field("", description="Host name")
    port: int = Field(5672, description="Port")
    user: str = Field("", description="User name")
    password: SecretStr = Field(SecretStr(""), description="Password")
    vhost: str = Field("/", description="Virtual host")

    def url(self) -> str:
        """Return the address as a URL, with the password."""
        user, password = (
            quote(text, safe="") for text in (self.user, self.password.get_secret_value())
        )
        credentials = f"{user}:{password}@" if user else ""
        return f"amqp://{credentials}{self.host}:{self.port}/{quote(self.vhost, safe='')}"


class ObjectSettings(Section):
    """Sets where finished objects are stored (requirement S25)."""

    store: Literal["auto", "local", "oss", "s3"] = Field(
        "auto",
        description=(
            "Object store; auto: the one whose bucket is named, otherwise the local directory"
        ),
    )
    downloads: Literal["redirect", "stream"] = Field(
        "redirect",
        description=(
            "How an owner gets a file in OSS or S3: by a signed link (redirect), or through the "
            "server (stream)"
        ),
    )
    link_expires: Duration = Field(
        3600.0,
        ge=1,
        le=WEEK_SECONDS,
        description="Time for which a signed link is valid; S3 allows a week at most",
    )
    part_size: Size = Field(
        16 << 20,
        ge=5 << 20,
        le=512 << 20,
        description=(
            "Size of the smallest part of a large object; both OSS and S3 need at least 5 MiB"
        ),
    )
    threads: int = Field(
        4, ge=1, le=64, description="Number of parts of one object that are sent at the same time"
    )


class OssSettings(Section):
    """Sets Alibaba Cloud OSS; the environment names of the original design work too."""

    access_key_id: SecretStr = Field(SecretStr(""), description="OSS_ACCESS_KEY_ID")
    access_key_secret: SecretStr = Field(SecretStr(""), description="OSS_ACCESS_KEY_SECRET")
    security_token: SecretStr = Field(
        SecretStr(""), description="OSS_SESSION_TOKEN, with temporary keys (STS)"
    )
    credentials_uri: str = Field(
        "",
        description=(
            "Address that returns temporary keys (STS) as the ECS metadata service does, instead "
            "of the keys"
        ),
    )
    region: str = Field("", description="OSS_REGION, e.g. oss-cn-beijing")
    bucket_name: str = Field("", description="OSS_BUCKET_NAME")
    endpoint: str = Field(
        "",
        description=(
            "URL of the endpoint; empty: the region's public one. Within Alibaba Cloud, traffic "
            "to https://oss-cn-beijing-internal.aliyuncs.com is free"
        ),
    )
    public_endpoint: str = Field(
        "", description="URL for links and addresses; empty: the region's public one"
    )


class S3Settings(Section):
    """Sets Amazon S3, or a store with the same API: Qiniu Kodo, MinIO, Ceph, R2."""

    bucket: str = Field("", description="Name of the bucket")
    region: str = Field("", description="Region, e.g. eu-central-1 or Kodo's cn-east-1")
    endpoint: str = Field(
        "",
        description="URL of the endpoint; empty: Amazon's. Kodo: https://s3.cn-east-1.qiniucs.com",
    )
    public_endpoint: str = Field(
        "", description="URL for links and addresses; empty: the same endpoint"
    )
    addressing: Literal["auto", "path", "virtual"] = Field(
        "auto",
        description=(
            "Place of the bucket's name: in the path (path) or in the host name (virtual); auto: "
            "virtual at Amazon, path elsewhere"
        ),
    )
    access_key_id: SecretStr = Field(
        SecretStr(""),
        description=(
            "Access key; empty: it is found as AWS tools do (environment, profile, instance role)"
        ),
    )
    secret_access_key: SecretStr = Field(SecretStr(""), description="Secret key")
    session_token: SecretStr = Field(
        SecretStr(""), description="Session token, with temporary keys"
    )

    def style(self) -> Literal["path", "virtual"]:
        """Return where the bucket's name is: newer regions of Amazon accept it only in the host."""
        if self.addressing != "auto":
            return self.addressing
        return "path" if self.endpoint else "virtual"
