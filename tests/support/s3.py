"""Start a real S3 server for tests: versitygw on a directory. It checks signatures and digests."""

import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support.required import require
from support.services import Service

BINARY = next(iter((Path(__file__).parents[1] / "s3" / "bin").glob("versitygw-*")), None)
KEY_ID = "AKIATEST"
SECRET = "secretsecret"
REGION = "us-east-1"


class S3Server(Service):
    """One server; ``bucket()`` makes an empty bucket."""

    def __init__(self) -> None:
        super().__init__("s3")
        (self.directory / "root").mkdir()
        (self.directory / "sidecar").mkdir()
        self._made: Any = None

    def command(self) -> Sequence[str]:
        assert BINARY is not None
        return (
            str(BINARY), "--port", f"127.0.0.1:{self.port}", "--access", KEY_ID, "--secret", SECRET,
            "--region", REGION, "--quiet", "--keep-alive",
            "posix", "--sidecar", str(self.directory / "sidecar"), str(self.directory / "root"),
        )  # fmt: skip

    def environment(self) -> Mapping[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.directory)}

    def start(self) -> None:
        require(BINARY is not None, "versitygw is not installed: see tests/s3/install.sh")
        super().start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def bucket(self) -> str:
        """Make an empty bucket and return its name."""
        name = f"test-{secrets.token_hex(6)}"
        self._client().create_bucket(Bucket=name)
        return name

    def _client(self) -> Any:
        if self._made is None:
            import boto3

            self._made = boto3.client(
                "s3",
                endpoint_url=self.url,
                region_name=REGION,
                aws_access_key_id=KEY_ID,
                aws_secret_access_key=SECRET,
            )
        return self._made
