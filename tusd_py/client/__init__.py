"""Send files by tus or by the IETF's draft, and resume after every failure.

``Client`` blocks, ``AsyncClient`` does not. A file whose content the server already holds is not
sent; by tus, the server may require an ownership proof (docs/instant-upload.md).
"""

from tusd_py.client.asynchronous import AsyncClient
from tusd_py.client.blocking import Client
from tusd_py.client.errors import Refused, Unreachable
from tusd_py.client.file_upload import UploadResult
from tusd_py.client.ietf import IetfDraft
from tusd_py.client.options import Options
from tusd_py.client.tus import Tus

__all__ = [
    "AsyncClient",
    "Client",
    "IetfDraft",
    "Options",
    "Refused",
    "Tus",
    "Unreachable",
    "UploadResult",
]
