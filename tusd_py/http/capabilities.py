"""Lists the tus extensions that the server supports."""

from tusd_py.protocol.tus1 import Capabilities
from tusd_py.storage import checksums
from tusd_py.storage.port import Stores


def capabilities(stores: Stores, *, max_size: int | None, expires: bool) -> Capabilities:
    """Return what the tus endpoint announces, derived from the features of the stores."""
    extensions = ["creation", "creation-with-upload", "creation-defer-length", "termination"]
    if expires:
        extensions.append("expiration")
    if stores.verification is not None:
        extensions.append("checksum")
    if stores.concatenation is not None:
        extensions += ["concatenation", "concatenation-unfinished"]
    digest_sizes = {name: checksums.digest_size(name) for name in checksums.ALGORITHMS}
    return Capabilities(
        extensions=tuple(extensions),
        max_size=max_size,
        digest_sizes=digest_sizes if stores.verification is not None else {},
    )
