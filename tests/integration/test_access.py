"""The access matrix: every resource and verb, for every kind of caller.

``-s`` prints what was seen.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from support.issuer import Issuer
from support.server import Server, running_server
from support.tokens import OTHER_SECRET, SECRET, bearer, token, unsigned
from support.tus import TUS, append, chunk, creation, head, patch, post
from support.waiting import wait_until

OWNER, STRANGER = 7, 8
API: Final = "/api/file/upload"
AUDIENCE: Final = {"aud": "uploads"}

COLUMNS: Final = (
    "owner", "other", "no identity", "expired", "alg none", "wrong key", "wrong aud", "its token",
    "token of another", "its ticket", "ticket of another", "other's ticket",
)  # fmt: skip

# A name of another owner is answered as a missing one: 404 for other users, 401 without identity.
TABLE: Final = """
OPTIONS files        204 204 204 204 204 204 204 204 204 204 204 204
POST files           201 201 401 401 401 401 401 403 403 401 401 401
POST final of it     201 400 401 401 401 401 401 403 403 401 401 401
HEAD file            200 404 401 401 401 401 401 200 404 401 401 401
PATCH file           204 404 401 401 401 401 401 204 404 401 401 401
DELETE file          204 404 401 401 401 401 401 204 404 401 401 401
GET file             200 404 401 401 401 401 401 200 404 401 401 401
POST draft           201 201 401 401 401 401 401 403 403 401 401 401
HEAD draft           204 404 401 401 401 401 401 204 404 401 401 401
PATCH draft          204 404 401 401 401 401 401 204 404 401 401 401
DELETE draft         204 404 401 401 401 401 401 204 404 401 401 401
POST creations       200 200 401 401 401 401 401 403 403 401 401 401
POST form            200 200 401 401 401 401 401 403 403 401 401 401
GET progress         200 404 401 401 401 401 401 200 404 401 401 401
GET events of it     200 404 401 401 401 401 401 200 404 200 404 404
GET WebSocket        101 404 401 401 401 401 401 101 404 101 404 404
GET events           200 200 401 401 401 401 401 403 403 403 403 200
GET tasks            200 200 401 401 401 401 401 403 403 401 401 401
GET renditions of it 409 404 401 401 401 401 401 409 404 401 401 401
POST link to it      200 404 401 401 401 401 401 403 403 401 401 401
GET what it links to 409 409 409 409 409 409 409 409 409 409 409 409
POST details         200 200 401 401 401 401 401 403 403 401 401 401
POST share of it     409 404 401 401 401 401 401 403 403 401 401 401
GET shares           200 200 401 401 401 401 401 403 403 401 401 401
DELETE share         404 404 401 401 401 401 401 403 403 401 401 401
GET receiver's page  404 404 404 404 404 404 404 404 404 404 404 404
POST archive of it   409 404 401 401 401 401 401 403 403 401 401 401
POST reprocess it    409 404 401 401 401 401 401 403 403 401 401 401
GET reprocess it     200 404 401 401 401 401 401 200 404 401 401 401
POST tickets         200 200 401 401 401 401 401 200 200 401 401 401
POST ticket for it   200 404 401 401 401 401 401 200 404 401 401 401
GET healthz          200 200 200 200 200 200 200 200 200 200 200 200
GET home             200 200 200 200 200 200 200 200 200 200 200 200
"""

DRAFT: Final = {
    "Upload-Draft-Interop-Version": "8", "Upload-Complete": "?0",
    "Content-Type": "application/partial-upload",
}  # fmt: skip
UPGRADE: Final = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {"TUSD_AUTH__ACCESS_SECRET": SECRET, "TUSD_AUTH__AUDIENCE": "uploads"}
    with running_server(tmp_path_factory.mktemp("data"), env=settings) as server:
        yield server


@pytest.fixture
def caller(server: Server) -> Iterator["Caller"]:
    caller = Caller(server)
    with caller.http:
        yield caller


class Caller:
    """Makes an upload for each request, and sends it as one of the callers."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.http = httpx.Client(base_url=server.url, timeout=30)
        self.owner = bearer(token(OWNER, **AUDIENCE))
        self.other = bearer(token(STRANGER, **AUDIENCE))

    def made(self, *, finished: bool = False, partial: bool = False) -> httpx.Response:
        body = os.urandom(5) if finished or partial else None
        concat = "partial" if partial else ""
        made = post(self.server, 5, body, concat=concat, headers=self.owner, filename="x")
        assert made.status_code == 201, made.text
        return made

    def ticket(self, headers: dict[str, str], task: str | None = None) -> str:
        members = {} if task is None else {"task_id": task}
        made = self.http.post(f"{API}/tickets", headers=headers, json=members)
        assert made.status_code == 200, made.text
        return made.json()["ticket"]

    def link(self, task: str) -> str:
        made = self.http.post(f"{API}/links/{task}", headers=self.owner)
        assert made.status_code == 200, made.text
        return made.json()["url"]

    def as_(self, who: str, made: httpx.Response) -> tuple[dict[str, str], dict[str, str]]:
        """Return headers and query of a caller who requests what was made."""
        task: str | None = made.headers["Location"].rpartition("/")[2]
        if "Upload-Concat" in made.request.headers:
            task = None  # A partial upload is no task.
        mine: dict[str, Callable[[], dict[str, str]]] = {
            "owner": lambda: self.owner,
            "other": lambda: self.other,
            "no identity": dict,
            "expired": lambda: bearer(token(OWNER, seconds=-60, **AUDIENCE)),
            "alg none": lambda: bearer(unsigned(OWNER)),
            "wrong key": lambda: bearer(token(OWNER, secret=OTHER_SECRET, **AUDIENCE)),
            "wrong aud": lambda: bearer(token(OWNER, aud="elsewhere")),
            "its token": lambda: {"Upload-Token": made.headers["Upload-Token"]},
            "token of another": lambda: bearer(self.made().headers["Upload-Token"]),
        }
        if who in mine:
            return mine[who](), {}
        if who == "other's ticket":
            return {}, {"ticket": self.ticket(self.other)}
        if who == "ticket of another":
            task = self.made().headers["Location"].rpartition("/")[2]
        return {}, {"ticket": self.ticket(self.owner, task)}

    def send(self, what: str, who: str) -> httpx.Response:
        made = self.made(finished=what == "GET file", partial=what == "POST final of it")
        url = made.headers["Location"]
        path, task = httpx.URL(url).path, url.rpartition("/")[2]
        headers, query = self.as_(who, made)
        method, _, resource = what.partition(" ")
        requests: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
            "files": ("/files/", creation(5), {}),
            "final of it": ("/files/", {**TUS, "Upload-Concat": f"final;{path}"}, {}),
            "file": (path, chunk(0), {"content": b"abc"} if method == "PATCH" else {}),
            "draft": _draft(method, path),
            "creations": (
                f"{API}/creations",
                {},
                {"content": json.dumps({"uploads": [{"length": 5}]})},
            ),
            "form": (API, {}, {"files": {"file": ("x", os.urandom(5))}}),
            "progress": (f"{API}/progress/{task}", {}, {}),
            "events of it": (f"{API}/events/{task}", {}, {}),
            "WebSocket": (f"{API}/ws/{task}", UPGRADE, {}),
            "ticket for it": (f"{API}/tickets", {}, {"content": json.dumps({"task_id": task})}),
            "renditions of it": (f"{API}/renditions/{task}", {}, {}),
            "details": (f"{API}/details", {}, {"content": json.dumps({"task_ids": [task]})}),
            "link to it": (f"{API}/links/{task}", {}, {}),
            "what it links to": (self.link(task) if resource == "what it links to" else "", {}, {}),
            "share of it": (f"{API}/shares/{task}", {}, {}),
            "share": (f"{API}/shares/{'0' * 24}", {}, {}),
            "receiver's page": (f"/s/{'A' * 40}", {}, {}),
            "archive of it": (f"{API}/archives", {}, {"content": json.dumps({"task_ids": [task]})}),
            "reprocess it": (f"{API}/reprocess/{task}", {}, {}),
            "healthz": ("/healthz", {}, {}),
            "home": ("/", {}, {}),
        }
        path, own, more = requests.get(resource, (f"{API}/{resource}", {}, {}))
        headers = {**own, **headers}
        if method == "GET" and resource in ("events of it", "WebSocket", "events"):
            # The connection is a new one, as it ends with what it was opened for.
            with (
                httpx.Client(base_url=self.server.url, timeout=30) as http,
                http.stream(method, path, headers=headers, params=query) as response,
            ):
                if response.status_code >= 400:
                    response.read()
                return response
        return self.http.request(method, path, headers=headers, params=query, **more)


def _draft(method: str, path: str) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Return a request of the IETF's draft for an upload, or for its creation."""
    if method == "POST":
        return "/files/", DRAFT, {}
    offset = {"Upload-Offset": "0"} if method == "PATCH" else {}
    return path, {**DRAFT, **offset}, {"content": b"abc"} if offset else {}


def test_the_access_matrix(caller: Caller) -> None:
    wrong = []
    print(f"\n{'':20} " + " | ".join(COLUMNS))  # noqa: T201
    for line in TABLE.strip().splitlines():
        what, expected = line[:20].strip(), line[20:].split()
        seen = [caller.send(what, who) for who in COLUMNS]
        print(f"{what:20} " + " ".join(str(response.status_code) for response in seen))  # noqa: T201
        for who, status, response in zip(COLUMNS, expected, seen, strict=True):
            if response.status_code != int(status):
                wrong.append((what, who, response.status_code, status))
            if response.status_code == 401:
                assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert wrong == []


@pytest.mark.parametrize(
    "what",
    [
        "HEAD file",
        "PATCH file",
        "DELETE file",
        "GET file",
        "PATCH draft",
        "DELETE draft",
        "GET progress",
        "GET events of it",
        "POST final of it",
        "GET renditions of it",
        "POST link to it",
        "POST share of it",
        "POST reprocess it",
        "GET reprocess it",
    ],
)
def test_what_is_not_yours_is_answered_like_what_is_not_there(caller: Caller, what: str) -> None:
    """The answers are the same byte for byte, except for the request's id and the second of it."""
    method, _, resource = what.partition(" ")
    made = caller.made(finished=resource != "final of it", partial=resource == "final of it")
    name = made.headers["Location"].rpartition("/")[2]
    place = {
        "file": "/files/{}",
        "draft": "/files/{}",
        "progress": f"{API}/progress/{{}}",
        "events of it": f"{API}/events/{{}}",
        "renditions of it": f"{API}/renditions/{{}}",
        "link to it": f"{API}/links/{{}}",
        "share of it": f"{API}/shares/{{}}",
        "reprocess it": f"{API}/reprocess/{{}}",
        "final of it": "/files/",
    }[resource]
    answers = []
    for requested in (name, "0" * 32):
        own = {**DRAFT, "Upload-Offset": "0"} if resource == "draft" else chunk(0)
        headers = {**own, **caller.other}
        if resource == "final of it":
            headers["Upload-Concat"] = f"final;/files/{requested}"
        response = caller.http.request(method, place.format(requested), headers=headers)
        changing = {"x-request-id", "date"}
        fields = [(k, v) for k, v in response.headers.multi_items() if k not in changing]
        answers.append((response.status_code, fields, response.content))
    assert answers[0] == answers[1]
    assert answers[0][0] == (400 if resource == "final of it" else 404)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "unauthenticated"),
        ({"Authorization": "Basic dTpw"}, "unauthenticated"),
        ({"Authorization": "Bearer"}, "unauthenticated"),
        ({"Authorization": "Bearer x"}, "token_invalid"),
        (bearer(token(OWNER, seconds=-60, **AUDIENCE)), "token_expired"),
        ({"Upload-Token": "x"}, "token_invalid"),
    ],
)
def test_each_refusal_has_its_code(server: Server, headers: dict[str, str], code: str) -> None:
    refused = httpx.get(f"{server.url}{API}/tasks", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (401, code)


def test_who_is_refused_takes_nothing_over(server: Server, caller: Caller) -> None:
    """The refusal precedes the lock and the body: another user's PATCH goes on undisturbed."""
    url = caller.made().headers["Location"]
    path = server.file_of(url)
    going_on = iter([b"abc", b"de"])

    def body() -> Iterator[bytes]:
        yield next(going_on)
        wait_until(lambda: path.stat().st_size == 3)
        for stranger in ({}, caller.other, bearer(unsigned(OWNER))):
            assert patch(url, 3, b"XX", **stranger).status_code in (401, 404)
        yield next(going_on)

    assert append(url, 0, body(), Content_Length="5", **caller.owner) == 5


def test_an_upload_outlives_its_session(caller: Caller) -> None:
    """It continues by its own token, which each answer to a PATCH renews."""
    made = caller.made()
    url, own = made.headers["Location"], {"Upload-Token": made.headers["Upload-Token"]}
    expired = bearer(token(OWNER, seconds=-60, **AUDIENCE))
    for offset, piece in enumerate([b"a", b"b", b"c", b"d", b"e"]):
        assert patch(url, offset, piece, **expired).status_code == 401
        sent = patch(url, offset, piece, **expired, **own)
        assert sent.status_code == 204, sent.text
        own = {"Upload-Token": sent.headers.get("Upload-Token", own["Upload-Token"])}
    assert patch(url, 5, b"f", **own).status_code == 413
    task = url.rpartition("/")[2]
    with caller.http.stream("GET", f"{API}/events/{task}", headers=own) as events:
        assert events.status_code == 200


@pytest.mark.parametrize("secret", ["abcdefgh", "admin123", "changeme-changeme-changeme-changeme"])
def test_a_weak_or_sample_secret_is_refused_at_start(tmp_path: Path, secret: str) -> None:
    import subprocess
    import sys

    started = subprocess.run(
        [sys.executable, "-m", "tusd_py", "serve", "--data-dir", str(tmp_path / "data"),
         "--port", "0"],
        env={**os.environ, "TUSD_AUTH__ACCESS_SECRET": secret},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert started.returncode == 2
    assert "TUSD_AUTH__ACCESS_SECRET" in started.stderr
    assert secret not in started.stderr
    assert not (tmp_path / "data").exists()


def test_an_issuers_keys_by_their_address(tmp_path: Path) -> None:
    """They are fetched, kept while the address is away, and fetched again for an unknown key."""
    issuer = Issuer()
    settings = {
        "TUSD_AUTH__JWKS_URL": issuer.url,
        "TUSD_AUTH__ISSUER": "https://id.example.org",
        "TUSD_AUTH__AUDIENCE": "uploads",
        "TUSD_AUTH__UPLOAD_TOKEN_SECRET": SECRET,
    }
    claims = {"iss": "https://id.example.org", "aud": "uploads"}

    def status_with(text: str) -> int:
        return httpx.get(f"{server.url}{API}/tasks", headers=bearer(text)).status_code

    try:
        # Each process fetches and keeps the keys by itself.
        flags = ("--workers", "0", "--processes", "1")
        with running_server(tmp_path / "data", *flags, env=settings) as server:
            good = issuer.token("anna@example.org", **claims)
            assert status_with(good) == 200
            assert (
                status_with(issuer.token("anna@example.org", iss="https://other", aud="uploads"))
                == 401
            )
            assert status_with(token(7, **claims)) == 401, "there is no shared secret here"
            assert issuer.requests == 1
            made = post(server, 3, headers=bearer(good))
            assert made.headers["Upload-Token"]
            other = bearer(issuer.token("bert@example.org", **claims))
            assert head(made.headers["Location"], **other).status_code == 404
            issuer.rotate("second")
            new = issuer.token("anna@example.org", **claims)
            # Requests with unknown keys cause at most one fetch in ten seconds.
            wait_until(lambda: status_with(new) == 200, timeout=30)
            assert issuer.requests == 2
            assert status_with(good) == 401, "its key was withdrawn"
    finally:
        issuer.close()
