"""The endpoint in the product's configuration: as an environment, as settings, as an adapter."""

from typing import Any

from support.oss.server import ACCESS_KEY, BUCKET, REGION, SECRET

from tusd_py.objects.oss import OssBucket, static_credentials
from tusd_py.settings.objects import OssSettings


def environment_of(url: str) -> dict[str, str]:
    """Return variables for a server or worker process; the region as in the original design."""
    return {
        "OSS_ACCESS_KEY_ID": ACCESS_KEY,
        "OSS_ACCESS_KEY_SECRET": SECRET,
        "OSS_REGION": f"oss-{REGION}",
        "OSS_BUCKET_NAME": BUCKET,
        "TUSD_OSS__ENDPOINT": url,
        "TUSD_OSS__PUBLIC_ENDPOINT": url,
    }


def section_of(url: str, **changed: Any) -> OssSettings:
    """Return the section ``oss`` of the settings, with some of them changed."""
    return OssSettings(
        **{
            "access_key_id": ACCESS_KEY,
            "access_key_secret": SECRET,
            "region": REGION,
            "bucket_name": BUCKET,
            "endpoint": url,
            "public_endpoint": url,
            **changed,
        }
    )


def bucket_at(
    url: str,
    secret: str = SECRET,
    token: str = "",
    name: str = BUCKET,
    kind: type[OssBucket] = OssBucket,
) -> OssBucket:
    """Return the adapter, with good keys unless others are given."""
    return kind(
        static_credentials(ACCESS_KEY, secret, token),
        name=name,
        region=f"oss-{REGION}",
        endpoint=url,
        public_endpoint=url,
    )
