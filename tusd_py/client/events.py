"""A task's Server-Sent Events, as a client takes them; nothing here reads or waits."""

from typing import Any, Final
from urllib.parse import urljoin

from tusd_py.client.errors import Refused, Unreachable
from tusd_py.domain.untrusted_json import NotAJsonObject, read_json_object

SILENCE_SECONDS: Final = 45.0
"""Three pings missed: the connection is dead."""
PAUSE_SECONDS: Final = 1.0
BREAKS: Final = 60
"""In a row, without an event between them."""
FINAL: Final = ("completed", "failed")


class Following:
    """One task, through any number of connections."""

    def __init__(self, endpoint: str, task_id: str, token: str | None) -> None:
        """``token``: the upload's own, if it has one."""
        self.url = urljoin(endpoint, f"../api/file/upload/events/{task_id}")
        self.over = False
        """The last state was taken."""
        self._token = token
        self._last_id = ""
        self._last: dict[str, Any] | None = None
        self._breaks = 0
        self._event_id = self._data = ""

    def headers(self) -> dict[str, str]:
        """Of the next connection's request."""
        self._event_id = self._data = ""
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if self._last_id:
            headers["Last-Event-ID"] = self._last_id
        if self._token:
            headers["Upload-Token"] = self._token
        return headers

    def take(self, line: str) -> dict[str, Any] | None:
        """Return the state that a line completes, if it is a new one.

        Raises: Refused: the server's data is no JSON object.
        """
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "id":
            self._event_id = value
        elif name == "data":
            self._data += value
        elif not line:
            return self._event()
        return None

    def _event(self) -> dict[str, Any] | None:
        data, self._data = self._data, ""
        event_id, self._event_id = self._event_id, ""
        try:
            state = read_json_object(data) if data else {}
        except NotAJsonObject as error:
            raise Refused("the server's events are not those of a task") from error
        if not isinstance(state.get("status"), str):
            return None
        self._breaks, self._last_id = 0, event_id or self._last_id
        new = state != self._last
        self._last, self.over = state, state["status"] in FINAL
        return state if new else None

    def broke(self) -> float:
        """The connection ended: seconds to wait before the next. Raises: Unreachable."""
        self._breaks += 1
        if self._breaks > BREAKS:
            raise Unreachable("the task's events can't be reached")
        return PAUSE_SECONDS
