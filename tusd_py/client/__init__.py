"""Send files by tus: ``Client`` blocks, ``AsyncClient`` does not; both resume after every failure.

A file whose content the server already holds is not sent; the server may require an ownership proof
(docs/instant-upload.md).
"""

from tusd_py.client.asynchronous import AsyncClient
from tusd_py.client.blocking import Client
from tusd_py.client.errors import Refused, Unreachable
from tusd_py.client.file_upload import UploadResult
from tusd_py.client.options import Options

__all__ = ["AsyncClient", "Client", "Options", "Refused", "Unreachable", "UploadResult"]
