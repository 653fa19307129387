"""Sections of the settings: what can be set about one subject, with its defaults and bounds."""

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
"""A quota of bytes allows one file for each of these, since a file costs up to 22 KiB of database."""
FEWEST_FILES: Final = 1000
"""A quota of bytes allows at least this number of files."""


class Section(BaseModel):
    """Frozen; a name that it does not have is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CorsSettings(Section):
    """Which browsers' pages of other sites may use the server."""

    allow_origins: tuple[Origin, ...] | None = Field(
        None,
        description="Origins of other sites' pages that may use the server, as browsers send them, or * for all, which needs authentication. When it is not set, all may where auth requires tokens in headers, and none may elsewhere; the server's own pages always may",
    )
    allow_credentials: bool = Field(
        False, description="Let pages send cookies; their origins must be listed, and * is refused"
    )
    max_age: Duration = Field(
        float(DAY_SECONDS), description="How long a browser may remember a preflight's answer"
    )

    @model_validator(mode="after")
    def _credentials_for_listed(self) -> Self:
        if self.allow_credentials and "*" in (self.allow_origins or ("*",)):
            raise ValueError(
                "allow_credentials needs origins that are listed in allow_origins, and * is none: every "
                "web page would act with the cookies of the user that opens it"
            )
        return self


class WhitelistSettings(Section):
    """Which file types are taken (requirements S3, S24)."""

    extensions: tuple[Extension, ...] = Field(
        (),
        description="Extensions without the dot, e.g. mp4, jpg; empty: anything is taken, as opaque bytes",
    )


class InstantSettings(Section):
    """Uploads whose content is held already (秒传)."""

    scope: Literal["off", "owner", "tenant", "global"] = Field(
        "owner",
        description="Whose files make an upload complete at once when its hash is declared: none (off); the owner's own; also those of the same tenant, or of all users, for a user that proves to have them",
    )
    min_size: Size = Field(
        1 << 20, description="Smaller files of others are not given, whatever is proven"
    )
    most_owners: int = Field(
        20,
        ge=0,
        description="In scope global a file is given once a secret number of owners hold it, from 2 to this one; 0: one is enough. In scope tenant one is",
    )
    challenges_per_hour: int = Field(
        60, ge=0, description="Proofs that one user may try within an hour"
    )
    patch: Literal["jump", "count", "refuse"] = Field(
        "jump",
        description="Answer to a PATCH of an upload that was born complete: its full length (jump), as if the bytes had been taken (count), or 409 (refuse). Clients may choose by the metadata key instant",
    )


class LimitSettings(Section):
    """What one user may have, and what the disk must keep; 0: no limit."""

    open_uploads: int = Field(0, ge=0, description="Unfinished uploads of one user")
    stored_bytes: Size = Field(
        0, description="Bytes of all that one user has, finished or declared and on its way"
    )
    stored_files: int = Field(
        0,
        ge=0,
        description="Uploads of one user, finished or not, empty ones too; 0: where limits.stored_bytes is set one for each 64 KiB of it and 1000 at least, else no limit",
    )
    requests: int = Field(
        0,
        ge=0,
        description="Creations and questions of one user within limits.window; HEAD, PATCH and DELETE of uploads are not counted",
    )
    window: Duration = Field(60.0, gt=0, description="Over which limits.requests is counted")
    bytes_per_second: Size = Field(
        0, description="How fast one user's bytes are taken, over all uploads and servers together"
    )
    streams: int = Field(
        20,
        ge=0,
        description="Streams (Server-Sent Events and WebSocket) that one user may have open at each server; not applied without auth, where all clients are the same user",
    )
    disk_reserve: Size = Field(
        64 << 20,
        description="New uploads are refused, and bodies stop, before less than this would be free on the disk (507); a quarter of it, at most 8 MiB, is kept in files for the databases, so that a full disk can be emptied",
    )

    reprocessed_files: int = Field(
        20,
        ge=0,
        description="Files that one user may let process again within a day; operators may any number",
    )
    parts: int = Field(
        1000,
        ge=1,
        description="A final upload (Upload-Concat) that names more parts is refused (413)",
    )

    def quota(self) -> Quota | None:
        """The limits of one owner; None if there are none."""
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
    """What one connection may cost before a request is whole, and how many connections there may be."""

    total: int = Field(
        0,
        ge=0,
        description="Connections at the same time. The limit of open files (RLIMIT_NOFILE) bounds them too; 0: as many as it allows, 4096 at most. Beyond it, connections that have sent no whole request are closed",
    )
    per_address: int = Field(
        256,
        ge=0,
        description="Connections of one address (IPv6: of one /64 network) at the same time. It does not apply to loopback, nor with behind_proxy; 0: no limit",
    )
    pipelined: int = Field(
        32,
        ge=0,
        description="Requests that may wait on one connection behind the one that is being answered",
    )
    head_bytes: Size = Field(
        64 << 10,
        ge=1024,
        description="Longest head of a request: request line and header fields (431)",
    )
    target_bytes: Size = Field(8 << 10, ge=64, description="Longest target of a request (414)")
    fields: int = Field(
        100, ge=8, description="Header fields of one request, and trailers of one request (431)"
    )
    trailer_bytes: Size = Field(
        8 << 10, description="All trailers of one request together, or one chunk's extensions (431)"
    )
    head_timeout: Duration = Field(
        20.0,
        gt=0,
        description="Time in which a head must be whole, from the opening of the connection, or from its first byte on a connection that was used before (408)",
    )
    idle_timeout: Duration = Field(
        65.0,
        gt=0,
        description="A connection without a request is closed after this time; longer than the 60 s that nginx keeps one",
    )
    send_timeout: Duration = Field(
        60.0,
        gt=0,
        description="A connection whose client takes nothing of an answer for this time, or less than min_rate, is closed",
    )


class ScanSettings(Section):
    """The virus scanner, clamd."""

    address: str = Field(
        "",
        pattern=r"^(/.+|[^/\s]+:[0-9]{1,5})?$",
        description="host:port of clamd, or the path of its socket; empty: files are not scanned",
    )
    timeout: Duration = Field(
        120.0, gt=0, description="A scan that makes no progress for this time is given up"
    )
    on_failure: Literal["closed", "open"] = Field(
        "closed",
        description="Without a verdict files wait for one (closed), or are stored without it (open)",
    )
    max_bytes: Size = Field(
        25 << 20,
        le=4 * GIB,
        description="Larger files are not sent; at most clamd's StreamMaxLength, which is 25 MiB in Debian's configuration and 4 GiB at most",
    )
    above_limit: Literal["refuse", "accept"] = Field(
        "refuse", description="What is too large to be scanned is refused, or stored all the same"
    )


class JobSettings(Section):
    """How jobs are leased and retried (decision 2)."""

    per_user: int = Field(
        0,
        ge=0,
        description="Most jobs of one user that run at the same time in each of the two lanes (with ffmpeg, without), over all workers; 0: no limit. Users take turns in any case",
    )
    lease: Duration = Field(
        60.0, gt=0, description="A worker that is silent for this time has lost its job"
    )
    renew_every: Duration = Field(15.0, gt=0, description="How often a worker renews its lease")
    max_attempts: int = Field(5, ge=1, description="Tries before a transient error is final")
    max_crashes: int = Field(
        3,
        ge=1,
        description="Workers that died over one file before it counts as poison; one death before that nothing is made of the file any more and it is stored as it was sent",
    )
    keep_failed: Duration = Field(
        0.0,
        description="How long the file of a job that failed through no fault of its own is kept for another try; 0: until its owner deletes it or an operator drops it",
    )
    backoff: tuple[Duration, ...] = Field(
        (10.0, 30.0, 120.0, 600.0, 1800.0), description="Pauses between tries"
    )
    resource_backoff: Duration = Field(
        120.0, description="Pause after a full disk or a missing service; not counted as a try"
    )
    reap_every: Duration = Field(15.0, gt=0, description="How often dead leases are looked for")
    relay_every: Duration = Field(
        1.0, gt=0, description="How often the outbox is looked at without being woken"
    )
    janitor_every: Duration = Field(300.0, gt=0, description="How often leftovers are collected")
    orphans_every: Duration = Field(
        6 * 3600.0,
        gt=0,
        description="How often, on average, a worker looks through the whole object store for objects without a reference",
    )
    verify_source: bool = Field(
        True,
        description="Read a file again before it is published, to find bits that fell over on the disk",
    )


class HooksSettings(Section):
    """An application that decides about uploads and gets their events (docs/hooks.md)."""

    url: str = Field(
        "",
        pattern=r"^(https?://[^/\s]+\S*)?$",
        description="Address that gets signed POST requests; empty: none",
    )
    secret: HookSecret = Field(
        SecretStr(""),
        description="Signs them (Standard Webhooks): whsec_ and base64, or any text; empty: unsigned",
    )
    events: tuple[HookEvent, ...] = Field(
        tuple(HookEvent),
        description="Events that the address gets; pre-create waits for its decision",
    )
    format: Literal["tusd-py", "tusd"] = Field(
        "tusd-py", description="Members of the requests: our own, or those of tusd 2"
    )
    timeout: Duration = Field(5.0, gt=0, description="An answer that takes longer is none")
    give_up_after: Duration = Field(
        float(DAY_SECONDS),
        description="An event that could not be delivered for this time is dropped",
    )
    callables: str = Field(
        "",
        pattern=r"^([A-Za-z_][\w.]*:[A-Za-z_]\w*)?$",
        description="module:name of a tusd_py.hooks.Hooks, functions that are called in the server",
    )


class AuthSettings(Section):
    """``Auth`` of the original design: how users are identified (requirement S22). With neither
    a secret nor a key set all clients are the same anonymous user."""

    required: bool = Field(
        False,
        description="Refuse to start without access_secret or jwks_url, wherever the server listens; for deployments, whose proxy hides the clients' addresses",
    )
    access_secret: SigningSecret = Field(
        SecretStr(""),
        description="Key of session tokens signed with HS256, at least 32 bytes: openssl rand -hex 32",
    )
    access_expire: Duration = Field(
        36000.0,
        gt=0,
        description="Life of the tokens that tusd-py token makes; those of tusd-py user add have their own",
    )
    jwks_url: str = Field(
        "",
        pattern=r"^(https?://[^/\s]+\S*)?$",
        description="Address of an issuer's keys (JSON Web Key Set) for session tokens signed with RS256, ES256 or EdDSA",
    )
    jwks_max_age: Duration = Field(
        3600.0,
        gt=0,
        description="Keys are fetched again after this time, or for a key id that they do not have; the old ones are used while the address can't be reached",
    )
    issuer: str = Field("", description="What a session token's iss must be; empty: anything")
    audience: str = Field("", description="What a session token's aud must hold; empty: anything")
    user_claim: str = Field(
        "",
        description="Claim with the user: a positive number, or a text that gets a number of its own; empty: userId, else sub",
    )
    role_claim: str = Field(
        "role", min_length=1, description="Claim with the user's role, a text or a list of texts"
    )
    admin_role: str = Field(
        "admin",
        min_length=1,
        description="Role of users that may see /admin and retry failed tasks",
    )
    tenant_claim: str = Field(
        "tenant",
        min_length=1,
        description="Claim with the group that the user belongs to (instant.scope: tenant)",
    )
    priority_claim: str = Field(
        "",
        description="Claim with the priority of the user's files at the workers, a whole number from -9 to 9: all jobs of a higher one begin before those of a lower one, which may wait for long; empty or any other value: 0",
    )
    upload_token_secret: SigningSecret = Field(
        SecretStr(""),
        description="Key of what servers sign themselves (upload tokens, tickets), the same on all of them; empty: derived from access_secret",
    )

    @property
    def enabled(self) -> bool:
        """Whether session tokens are required."""
        return bool(self.access_secret.get_secret_value() or self.jwks_url)

    def grant_secret(self) -> bytes:
        """What the keys of upload tokens and tickets are derived from; empty: there are none."""
        own = self.upload_token_secret.get_secret_value()
        return (own or self.access_secret.get_secret_value()).encode()


class MysqlSettings(Section):
    """``MySQL`` of the original design: where the catalog is; without an address it is SQLite."""

    data_source: SecretStr = Field(
        SecretStr(""),
        description="user:password@tcp(host:3306)/database, or mysql://user:password@host/database",
    )


class RedisSettings(Section):
    """``Redis`` of the original design: the live view and the way to let go of uploads between servers; without
    an address the view is SQLite, and one server has the data directory to itself."""

    addr: str = Field("", description="host:port")
    password: SecretStr = Field(SecretStr(""), description="Password")
    db: int = Field(0, ge=0, description="Number of the database")

    def url(self) -> str:
        """The address as a URL, with the password."""
        password = quote(self.password.get_secret_value(), safe="")
        return f"redis://{f':{password}@' if password else ''}{self.addr}/{self.db}"


class RabbitMqSettings(Section):
    """``RabbitMQ`` of the original design: the queue of jobs; without a host it is SQLite."""

    host: str = Field("", description="Host name")
    port: int = Field(5672, description="Port")
    user: str = Field("", description="User name")
    password: SecretStr = Field(SecretStr(""), description="Password")
    vhost: str = Field("/", description="Virtual host")

    def url(self) -> str:
        """The address as a URL, with the password."""
        user, password = (
            quote(text, safe="") for text in (self.user, self.password.get_secret_value())
        )
        credentials = f"{user}:{password}@" if user else ""
        return f"amqp://{credentials}{self.host}:{self.port}/{quote(self.vhost, safe='')}"


class ObjectSettings(Section):
    """Where finished objects go (requirement S25)."""

    store: Literal["auto", "local", "oss", "s3"] = Field(
        "auto", description="auto: the one whose bucket is named, else the local directory"
    )
    downloads: Literal["redirect", "stream"] = Field(
        "redirect",
        description="How OSS and S3 give a file to its owner: by a signed link, or read through the server",
    )
    link_expires: Duration = Field(
        3600.0,
        ge=1,
        le=WEEK_SECONDS,
        description="How long a signed link is valid; S3 signs for a week at the most",
    )
    part_size: Size = Field(
        16 << 20,
        ge=5 << 20,
        le=512 << 20,
        description="Smallest part of a large object; OSS and S3 take no smaller than 5 MiB alike",
    )
    threads: int = Field(4, ge=1, le=64, description="Parts of one object sent at the same time")


class OssSettings(Section):
    """Alibaba Cloud OSS, by the original design's environment names."""

    access_key_id: SecretStr = Field(SecretStr(""), description="OSS_ACCESS_KEY_ID")
    access_key_secret: SecretStr = Field(SecretStr(""), description="OSS_ACCESS_KEY_SECRET")
    security_token: SecretStr = Field(
        SecretStr(""), description="OSS_SESSION_TOKEN, with temporary keys (STS)"
    )
    credentials_uri: str = Field(
        "",
        description="Address that gives temporary keys (STS) as the ECS metadata service does; in the place of the keys",
    )
    region: str = Field("", description="OSS_REGION, e.g. oss-cn-beijing")
    bucket_name: str = Field("", description="OSS_BUCKET_NAME")
    endpoint: str = Field(
        "",
        description="URL of the endpoint; empty: the region's public one. Inside Alibaba Cloud https://oss-cn-beijing-internal.aliyuncs.com costs no traffic",
    )
    public_endpoint: str = Field(
        "", description="URL for links and addresses; empty: the region's public one"
    )


class S3Settings(Section):
    """Amazon S3, or what speaks its API: Qiniu Kodo, MinIO, Ceph, R2."""

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
        description="The bucket's name in the path, or in the host's name; auto: virtual at Amazon, path elsewhere",
    )
    access_key_id: SecretStr = Field(
        SecretStr(""),
        description="Access key; empty: as AWS tools find it (environment, profile, instance role)",
    )
    secret_access_key: SecretStr = Field(SecretStr(""), description="Secret key")
    session_token: SecretStr = Field(SecretStr(""), description="With temporary keys")

    def style(self) -> Literal["path", "virtual"]:
        """Where the bucket's name is: newer regions of Amazon's accept it in the host's name alone."""
        if self.addressing != "auto":
            return self.addressing
        return "path" if self.endpoint else "virtual"
