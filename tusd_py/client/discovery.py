"""Find the tus endpoint of a server of which a user knows the address."""

from urllib.parse import urljoin

import httpx

from tusd_py.client.errors import Refused, Unreachable
from tusd_py.client.options import Options
from tusd_py.client.responses import failure_of


def find_endpoint(address: str, options: Options) -> str:
    """Return the address if it is that of a tus endpoint, or that of ``files/`` below it.

    No credentials are sent but the user and the password in the address.

    Raises: ValueError: it is no http address; Refused: there is no endpoint; Unreachable.
    """
    given, headers = options.endpoint(address, None)
    status = 0
    with httpx.Client(timeout=options.timeout, verify=options.verify) as http:
        for endpoint in (given, urljoin(given, "files/")):
            try:
                # The body is not read.
                with http.stream(
                    "OPTIONS", endpoint, headers=headers.to(endpoint, {}), follow_redirects=False
                ) as response:
                    if "tus-resumable" in response.headers:
                        return endpoint
                    status = status or response.status_code
            except httpx.TransportError as error:
                raise Unreachable(str(failure_of(error))) from error
    raise Refused(
        f"{given} is no tus endpoint, it answered {status}; the address of one often ends in "
        "/files/"
    )
