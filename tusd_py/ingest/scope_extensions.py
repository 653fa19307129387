"""Names what a request has beyond ASGI: keys of ``scope["extensions"]``."""

from typing import Final

TRAILERS: Final = "tusd_py.trailers"
"""Its member ``fields`` is the list of trailers, which is filled when the body is complete."""
SOCKET_HANDOFF: Final = "tusd_py.lender"
"""Its member ``lender`` is the ``socket_body.SocketHandoff`` of this request's body.

The key is missing if the socket can't be handed over.
"""
INTERIM: Final = "tusd_py.response.interim"
"""Also the type of a message with ``status`` (102 to 199) and ``headers``, which may be sent any
number of times before the response starts."""
KEPT_REQUEST: Final = "tusd_py.kept_request"
"""Its member ``id`` is the upload that keeps the body of this request.

The request may be repeated after a crash, with the same id.
"""
RESUMABLE: Final = "tusd_py.resumable"
"""Its value is the ``OuterEndpoints`` of the application in which the server is mounted."""
