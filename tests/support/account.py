"""One user of a server that demands tokens, by HTTP alone."""

from typing import Any

import httpx
from support import tus
from support.tokens import bearer, token
from support.waiting import wait_until

SETTLED = ("completed", "failed")


class Account:
    """Does what a user's client does, by the words of ``support.tus``. Uploads are named by ids."""

    def __init__(self, url: str, user: int) -> None:
        self.files = f"{url}/files/"
        self._headers = bearer(token(user))
        self._http = httpx.Client(base_url=url, headers=self._headers, timeout=60)

    def post(
        self, length: int | None, body: bytes | None = None, *, concat: str = "", **values: str
    ) -> httpx.Response:
        return tus.post(self, length, body, concat=concat, headers=self._headers, **values)

    def create(
        self, length: int | None, body: bytes | None = None, *, concat: str = "", **values: str
    ) -> str:
        """Create an upload and return its id."""
        url = tus.create(self, length, body, concat=concat, headers=self._headers, **values)
        return tus.task_id(url)

    def append(self, upload: str, offset: int, body: bytes, **fields: str) -> None:
        """Send a body and check that it was read to its end."""
        url = f"{self.files}{upload}"
        assert tus.append(url, offset, body, **fields, **self._headers) == offset + len(body)

    def head(self, upload: str) -> httpx.Response:
        return tus.head(f"{self.files}{upload}", **self._headers)

    def delete(self, upload: str) -> None:
        answer = tus.delete(f"{self.files}{upload}", **self._headers)
        assert answer.status_code == 204, (answer.status_code, answer.text)

    def get(self, path: str) -> httpx.Response:
        return self._http.get(path, headers=tus.TUS)

    def json(self, path: str) -> dict[str, Any]:
        response = self.get(path)
        assert response.status_code == 200, (response.status_code, response.text)
        found: dict[str, Any] = response.json()
        return found

    def progress(self, task: str) -> dict[str, Any]:
        return self.json(f"/api/file/upload/progress/{task}")

    def settled(self, task: str) -> dict[str, Any]:
        """Return the task once it is completed or failed."""
        wait_until(lambda: self.progress(task)["status"] in SETTLED, timeout=60)
        return self.progress(task)

    def tasks(self) -> list[dict[str, Any]]:
        """Return all tasks in the order of the list, without their times."""
        found = self.json("/api/file/upload/tasks?page=1&size=100")["tasks"]
        return [
            {key: task[key] for key in ("task_id", "filename", "status", "progress")}
            for task in found
        ]

    def renditions(self, task: str) -> dict[str, Any]:
        return self.json(f"/api/file/upload/renditions/{task}")

    def close(self) -> None:
        self._http.close()
