"""Sets where stored files are."""

from typing import Literal

from pydantic import Field, SecretStr

from tusd_py.domain.durations import WEEK_SECONDS
from tusd_py.settings.section import Section
from tusd_py.settings.values import (
    Duration,
    Size,
)


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
