"""Call the JSON API of a server (docs/api.md): one request and one answer."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urljoin

import httpx

from tusd_py.client.answers import refusal
from tusd_py.client.errors import Refused, Unreachable
from tusd_py.client.file_upload import Contact
from tusd_py.client.messages import Response
from tusd_py.client.origin import OriginHeaders, joined_address
from tusd_py.client.responses import failure_of, read_answer
from tusd_py.client.tus_requests import TUS
from tusd_py.domain.untrusted_json import NotAJsonObject, read_json_object

_ROOT: Final = "../api/file/upload/"
"""The API's address below that of the tus endpoint."""


class JsonApi:
    """Sends requests of one user to the API of one server; none of them is repeated."""

    def __init__(
        self, http: httpx.Client, endpoint: str, headers: OriginHeaders, contact: Contact
    ) -> None:
        self._http = http
        self._endpoint = endpoint
        self._headers = headers
        self._contact = contact

    def listed(self, path: str, member: str, params: Mapping[str, str]) -> dict[str, Any]:
        """Return the members of the answer of a list, which has its entries in ``member``.

        Raises: Refused, Unreachable.
        """
        members = _object_in(self._call("GET", path, 200, params=params))
        entries = members.get(member)
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise Refused(f"the server's answer is not a list of {member}")
        return members

    def found(self, start: str) -> dict[str, Any]:
        """Return the file of the list whose id begins with ``start``.

        Raises: Refused: there is none, or there are several; Unreachable.
        """
        entries = self.listed("tasks", "tasks", {"id": start, "size": "2"})["tasks"]
        matching = [one for one in entries if str(one.get("task_id", "")).startswith(start)]
        if len(matching) < len(entries):
            raise Refused("the server does not find files by the beginning of an id")
        if not matching:
            raise Refused(f"you have no file with the id {start}")
        if len(matching) > 1:
            raise Refused(f"several files have ids that begin with {start}")
        entry: dict[str, Any] = matching[0]
        return entry

    def delete_upload(self, url: str) -> None:
        """Delete an upload and its file; one that is gone already is no error.

        Raises: Refused, Unreachable.
        """
        answer = self._send("DELETE", url, TUS)
        if answer.status not in (204, 410):
            raise refusal(answer)

    def create_share(self, task_id: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Make a link for receivers to a file and return it. Raises: Refused, Unreachable."""
        made = self._described("POST", f"shares/{quote(task_id, safe='')}", 201, json=wanted)
        return self._with_whole_address(made)

    def shares(self, task_id: str | None) -> list[dict[str, Any]]:
        """Return the links to one file, or to all files. Raises: Refused, Unreachable."""
        params = {} if task_id is None else {"task_id": task_id}
        return [
            self._with_whole_address(link)
            for link in self.listed("shares", "shares", params)["shares"]
        ]

    def revoke_share(self, share_id: str) -> None:
        """End a link. Raises: Refused: there is no such link; Unreachable."""
        self._call("DELETE", f"shares/{quote(share_id, safe='')}", 204)

    def _with_whole_address(self, link: dict[str, Any]) -> dict[str, Any]:
        """Return a link with its scheme and host: behind some proxies the server knows neither."""
        url = link.get("url")
        whole = joined_address(self._endpoint, url) if isinstance(url, str) else None
        return link if whole is None else {**link, "url": whole}

    def _described(self, method: str, path: str, status: int, **sent: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return the members of an answer that is one object. Raises: Refused, Unreachable."""
        members = _object_in(self._call(method, path, status, **sent))
        if not members:
            raise Refused("the server's answer is not an object")
        return members

    def _call(self, method: str, path: str, status: int, **sent: Any) -> Response:  # noqa: ANN401
        """Return an answer of a status. Args: sent: ``params``, ``json``.

        Raises: Refused, Unreachable.
        """
        answer = self._send(method, urljoin(self._endpoint, f"{_ROOT}{path}"), {}, **sent)
        if answer.status != status:
            raise refusal(answer)
        return answer

    def _send(self, method: str, url: str, headers: Mapping[str, str], **sent: Any) -> Response:  # noqa: ANN401
        try:
            with self._http.stream(
                method, url, headers=self._headers.to(url, headers), follow_redirects=False, **sent
            ) as response:
                self._contact.made = True
                return read_answer(response)
        except httpx.TransportError as error:
            raise Unreachable(str(failure_of(error))) from error


def _object_in(answer: Response) -> dict[str, Any]:
    """Return the members of an answer; none if it is not a JSON object."""
    try:
        return read_json_object(answer.content)
    except NotAJsonObject:
        return {}
