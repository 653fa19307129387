"""Follow the Server-Sent Events of a task; nothing here reads or waits."""

from typing import Any, Final
from urllib.parse import quote, urljoin

from httpx_sse import ServerSentEvent

from tusd_py.client.answers import refusal
from tusd_py.client.errors import Refused, TransientFailure, Unreachable
from tusd_py.client.file_upload import Contact, Sleep
from tusd_py.client.messages import Response
from tusd_py.domain.untrusted_json import NotAJsonObject, read_json_object

SILENCE_SECONDS: Final = 45.0
"""After three missed pings the connection is dead."""
PAUSE_SECONDS: Final = 1.0
MAX_FAILURES: Final = 60
"""Failures in a row, without a new state between them."""
_TRANSIENT_STATUS: Final = (404, 408, 409, 423, 425, 429)
"""404: the task of an upload that has just arrived may not be there for a moment."""
NOT_FOUND_TRIES: Final = 3
NOT_FOUND_PAUSE_SECONDS: Final = 0.2
FINAL: Final = ("completed", "failed")


class TaskFollower:
    """Follows one task, over any number of connections."""

    def __init__(
        self,
        endpoint: str,
        task_id: str,
        token: str | None,
        contact: Contact,
        *,
        retries_at_first: int = 0,
    ) -> None:
        """Follow a task.

        Args: token: the upload token, if there is one; contact: of the client; retries_at_first:
            failures in a row while the server has never answered.
        """
        self.url = urljoin(endpoint, f"../api/file/upload/events/{quote(task_id, safe='')}")
        self.is_finished = False
        """Whether the last state was received."""
        self._token = token
        self._last_id = ""
        self._last: dict[str, Any] | None = None
        self._failures = self._refusals = 0
        self._pause = PAUSE_SECONDS
        self._contact = contact
        self._reached = False
        """Whether the server has answered since then, even if a file was given up meanwhile."""
        self._retries_at_first = retries_at_first

    def headers(self) -> dict[str, str]:
        """Return the headers of the next request."""
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if self._last_id:
            headers["Last-Event-ID"] = self._last_id
        if self._token:
            headers["Upload-Token"] = self._token
        return headers

    def take(self, event: ServerSentEvent) -> dict[str, Any] | None:
        """Return the state in an event; None if it is not a new one.

        Raises: Refused: the data is not a JSON object.
        """
        try:
            state = read_json_object(event.data) if event.data else {}
        except NotAJsonObject as error:
            raise Refused("the server's events are not those of a task") from error
        if not isinstance(state.get("status"), str):
            return None
        self._last_id = event.id or self._last_id
        new = state != self._last
        if new:
            self._failures = 0
        self._last, self.is_finished = state, state["status"] in FINAL
        return state if new else None

    def accept_response(self, answer: Response) -> bool:
        """Return whether events follow.

        Args: answer: with the body of a refusal. Raises: Refused: the refusal is permanent.
        """
        self._contact.made = self._reached = True
        self._pause = NOT_FOUND_PAUSE_SECONDS if answer.status == 404 else PAUSE_SECONDS
        if answer.status == 200:
            return True
        # The streams of a user are limited (429); a later try succeeds when one of them has ended.
        self._refusals += answer.status < 500 and answer.status != 429
        if answer.status < 500 and (
            answer.status not in _TRANSIENT_STATUS or self._refusals > NOT_FOUND_TRIES
        ):
            raise refusal(answer)
        return False

    def pause_after_failure(self, failure: TransientFailure | None = None) -> Sleep:
        """Return the pause after a connection ended or failed. Raises: Unreachable.

        Without a failure it has no reason: a stream that ended is opened again.
        """
        self._failures += 1
        limit, lasting = MAX_FAILURES, False
        if failure is not None and not (self._reached or self._contact.made):
            limit, lasting = min(MAX_FAILURES, self._retries_at_first), failure.permanent
        if lasting or self._failures > limit:
            raise Unreachable(str(failure or "the task's events can't be reached"))
        return Sleep(self._pause, str(failure or ""))
