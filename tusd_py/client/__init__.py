"""The client: ``Client`` blocks, ``AsyncClient`` does not; both go on after every break.

Files whose content the server holds already are not sent, with proof of possession where that is asked
(docs/instant-upload.md).
"""

from tusd_py.client.asynchronous import AsyncClient
from tusd_py.client.blocking import Client
from tusd_py.client.errors import Refused, Unreachable
from tusd_py.client.file_upload import UploadResult
from tusd_py.client.options import Options

__all__ = ["AsyncClient", "Client", "Options", "Refused", "Unreachable", "UploadResult"]
