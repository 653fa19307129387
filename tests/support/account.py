"""One user of a server that demands tokens, by HTTP alone."""

from typing import Any

import httpx
from support.tokens import bearer, token
from support.tus import BODY, TUS, metadata, task_id
from support.waiting import wait_until

SETTLED = ("completed", "failed")


class Account:
    """Does what a user's client does. Uploads are named by their ids."""

    def __init__(self, url: str, user: int) -> None:
        self._http = httpx.Client(base_url=url, headers=bearer(token(user)), timeout=60)

    def create(
        self, length: int | None, body: bytes | None = None, *, concat: str = "", **values: str
    ) -> httpx.Response:
        """Create an upload and return the answer; without a length it is deferred."""
        headers = {**(TUS if body is None else BODY), "Upload-Metadata": metadata(**values)}
        if concat:
            headers["Upload-Concat"] = concat
        if length is not None:
            headers["Upload-Length"] = str(length)
        elif not concat.startswith("final"):
            headers["Upload-Defer-Length"] = "1"
        return self._http.post("/files/", headers=headers, content=body or b"")

    def made(self, length: int | None, body: bytes | None = None, **values: str) -> str:
        """Create an upload and return its id."""
        response = self.create(length, body, **values)
        assert response.status_code == 201, (response.status_code, response.text)
        return task_id(response.headers["Location"])

    def patch(self, upload: str, offset: int, body: bytes, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._http.patch(
            f"/files/{upload}",
            headers={**BODY, "Upload-Offset": str(offset), **named},
            content=body,
        )

    def sent(self, upload: str, offset: int, body: bytes, **headers: str) -> None:
        """Send a body and check that it was read to its end."""
        response = self.patch(upload, offset, body, **headers)
        assert response.status_code == 204, (response.status_code, response.text)
        assert response.headers["Upload-Offset"] == str(offset + len(body))

    def head(self, upload: str) -> httpx.Response:
        return self._http.head(f"/files/{upload}", headers=TUS)

    def delete(self, upload: str) -> None:
        response = self._http.delete(f"/files/{upload}", headers=TUS)
        assert response.status_code == 204, (response.status_code, response.text)

    def get(self, path: str) -> httpx.Response:
        return self._http.get(path, headers=TUS)

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
