"""Defines the types of values, each checked when it is read: sizes, durations, addresses, secrets.

Sizes are bytes and may be written ``10GiB``; durations are seconds and may be written ``24h``.
"""

import base64
import re
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from tusd_py.domain.quantities import parse_duration, parse_size
from tusd_py.protocol.fields import is_field_name
from tusd_py.protocol.host import canonical_host
from tusd_py.protocol.origin import parse_public_url
from tusd_py.settings.secret_strength import flaw_of_secret

GIB: Final = 1 << 30
_ORIGIN: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?P<port>:[0-9]{1,5})?"
)
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
UNIX_PATH_BYTES: Final = 107
"""Longest path of a Unix socket: the size in ``sockaddr_un`` without the final NUL."""
_EXTENSION: Final = re.compile(r"\.?[A-Za-z0-9]{1,10}")


Size = Annotated[int, BeforeValidator(parse_size), Field(ge=0)]
Duration = Annotated[float, BeforeValidator(parse_duration), Field(ge=0)]


def _check_listen(text: str) -> str:
    host, _, port = text.rpartition(":")
    if text.startswith("/") and "\0" not in text and len(text.encode()) <= UNIX_PATH_BYTES:
        return text
    if text and not (host and port.isdecimal() and int(port) <= 65535):
        raise ValueError("not an address such as 127.0.0.1:9100, nor the path of a socket")
    return text


def _check_hook_secret(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if text.startswith("whsec_"):
        try:
            base64.b64decode(text.removeprefix("whsec_"), validate=True)
        except ValueError as error:
            raise ValueError("after whsec_ comes base64; openssl rand -base64 32") from error
    return secret


HookSecret = Annotated[SecretStr, AfterValidator(_check_hook_secret)]
ListenAddress = Annotated[str, AfterValidator(_check_listen)]


def _check_origin(text: str) -> str:
    """Check that this is an origin as browsers write it (RFC 6454, 6.2), or ``*``.

    Raises: ValueError.
    """
    match = _ORIGIN.fullmatch(text)
    if text != "*" and (match is None or match["scheme"] == "file"):
        raise ValueError(
            f"{text} is no origin as browsers send it: scheme, host and port only, in lower case "
            "and without a slash at the end, e.g. https://example.org"
        )
    if match is not None and match["port"] == _DEFAULT_PORTS.get(match["scheme"], ""):
        raise ValueError(f"{text}: browsers leave out {match['port']}, so leave it out here too")
    return text


def _check_host(text: str) -> str:
    """Check that this is a name or an IP address without a port. Raises: ValueError."""
    if canonical_host(f"{text}:1") is None:
        raise ValueError(
            f"{text} is no host: a name or an address without a port, an IPv6 address in brackets"
        )
    return text


def _check_public_url(text: str) -> str:
    """Check that this is an address without query and fragment. Raises: ValueError."""
    parse_public_url(text)
    return text


PublicUrl = Annotated[str, AfterValidator(_check_public_url)]
Origin = Annotated[str, AfterValidator(_check_origin)]
HostName = Annotated[str, AfterValidator(_check_host)]


def _check_field_name(text: str) -> str:
    """Check that this is the name of a header field; ``*`` is one too (RFC 9110, 5.1).

    Raises: ValueError.
    """
    if not is_field_name(text):
        raise ValueError(f"{text} is no name of a header field, such as X-Request-ID")
    return text


FieldName = Annotated[str, AfterValidator(_check_field_name)]


def _check_extension(text: str) -> str:
    """Check that a file's name can have this extension. Raises: ValueError."""
    if not _EXTENSION.fullmatch(text):
        raise ValueError(
            f"{text} fits no file: an extension has at most 10 letters and digits, e.g. mp4"
        )
    return text


Extension = Annotated[str, AfterValidator(_check_extension)]


def _check_secret(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    flaw = flaw_of_secret(text) if text else None
    if flaw is not None:
        raise ValueError(flaw)
    return secret


SigningSecret = Annotated[SecretStr, AfterValidator(_check_secret)]
