"""What our connection offers to an application beyond ASGI: keys of ``scope["extensions"]``."""

from typing import Final

TRAILERS: Final = "tusd_py.trailers"
"""``fields``: the list of trailers, filled by the time the body is complete."""
SOCKET_HANDOFF: Final = "tusd_py.lender"
"""``lender``: the ``lent_body.SocketHandoff`` of this request's body. Not there: it can't be lent."""
INTERIM: Final = "tusd_py.response.interim"
"""Also the type of a message with ``status`` (102 to 199) and ``headers`` that may be sent any number
of times before the response starts."""
