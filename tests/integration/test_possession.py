"""Another owner's file: given after a proof, and not disclosed to other callers."""

import base64
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import blake3
import httpx
import pytest
from starlette.requests import HTTPConnection
from support.catalog import complete
from support.served_app import served_app
from support.tokens import SECRET
from support.tus import TUS, chunk, creation, metadata

from tusd_py import Settings
from tusd_py.client.proof import nonce_of
from tusd_py.domain.caller import Caller
from tusd_py.domain.ids import UploadId, UserId, owner_scope
from tusd_py.domain.ownership_proof import ANSWER_BYTES
from tusd_py.domain.ownership_windows import answer, draw_question
from tusd_py.ports import Ports
from tusd_py.settings.acceptance import InstantSettings
from tusd_py.settings.access import AuthSettings

CONTENT = os.urandom(1_300_000)
HASH = blake3.blake3(CONTENT).hexdigest()
OTHER_HASH = blake3.blake3(b"no user has this").hexdigest()
THEIRS, MINE = "1 acme", "2 acme"


async def by_header(connection: HTTPConnection) -> Caller:
    """Identify a caller by ``X-User: 7 acme``: a number and a tenant."""
    user, _, tenant = connection.headers["x-user"].partition(" ")
    return Caller(UserId(int(user)), tenant)


def read(offset: int, length: int) -> bytes:
    return CONTENT[offset : offset + length]


@dataclass
class Scene:
    """One server, and the requests of its users."""

    client: httpx.AsyncClient
    ports: Ports

    async def create(self, user: str = MINE, **headers: str) -> httpx.Response:
        fields = creation(len(CONTENT), filename="mine.bin", filehash=f"blake3:{HASH}")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post("/files/", headers={**fields, "X-User": user, **named})

    async def challenged(self, user: str = MINE, **headers: str) -> tuple[str, bytes]:
        made = await self.create(user, Upload_Instant="challenge", **headers)
        assert made.status_code == 201, made.text
        assert made.headers["Upload-Offset"] == "0"
        nonce = nonce_of(made.headers["Upload-Challenge"])
        assert nonce is not None
        return made.headers["Location"], nonce

    async def prove(self, url: str, proof: bytes, user: str = MINE) -> httpx.Response:
        encoded = base64.b64encode(proof).decode()
        headers = chunk(0, X_User=user, Upload_Proof=f":{encoded}:")
        return await self.client.patch(url, headers=headers, content=b"")

    async def send(self, url: str, content: bytes, offset: int = 0, user: str = MINE) -> int:
        headers = chunk(offset, X_User=user)
        sent = await self.client.patch(url, headers=headers, content=content)
        assert sent.status_code == 204, sent.text
        return int(sent.headers["Upload-Offset"])

    async def store(self, user: str = THEIRS, questions: int = 3) -> None:
        """Upload the file in full, and wait until the pipeline has stored it."""
        made = await self.create(user)
        url = made.headers["Location"]
        assert await self.send(url, CONTENT, user=user) == len(CONTENT)
        task_id = UploadId(url.rpartition("/")[2])
        complete(self.ports.catalog, task_id)
        drawn = [draw_question(len(CONTENT), read) for _ in range(questions)]
        self.ports.catalog.ownership.add_questions(HASH, drawn)


def run(folder: Path, scene: Callable[[Scene], Awaitable[None]], **instant: Any) -> None:
    rules = InstantSettings(**{"scope": "tenant", "min_size": 1, **instant})

    secret = {"upload_token_secret": SECRET} if rules.scope == "global" else {}
    auth = AuthSettings.model_validate(secret)
    settings = Settings(data_dir=folder, workers=0, instant=rules, auth=auth)

    async def main() -> None:
        async with served_app(settings, authenticate=by_header) as app:
            await scene(Scene(app.client, app.context.ports))

    anyio.run(main)


def test_who_proves_has_the_file_without_sending_it(tmp_path: Path) -> None:
    async def scene(here: Scene) -> None:
        await here.store()
        url, nonce = await here.challenged()
        proven = await here.prove(url, answer(nonce, len(CONTENT), read))
        assert (proven.status_code, proven.headers["Upload-Offset"]) == (204, str(len(CONTENT)))
        head = await here.client.head(url, headers={**TUS, "X-User": MINE})
        assert head.headers["Upload-Offset"] == str(len(CONTENT))
        assert head.headers["Upload-Instant"] == "1"
        path = f"/api/file/upload/progress/{url.rpartition('/')[2]}"
        progress = (await here.client.get(path, headers={"X-User": MINE})).json()
        assert (progress["status"], progress["filename"]) == ("completed", "mine.bin")
        mine = here.ports.catalog.objects.file_by_hash(owner_scope(UserId(2)), HASH)
        assert progress["repository_id"] == mine.identity if mine is not None else None
        again = await here.create()
        assert again.headers["Upload-Instant"] == "1", "the file is their own now"

    run(tmp_path, scene)


def test_a_proof_may_come_late(tmp_path: Path) -> None:
    """The content is hashed while it is sent: the offset jumps from its value to the end."""

    async def scene(here: Scene) -> None:
        await here.store()
        made = await here.create(Upload_Metadata=metadata(filename="late.bin"))
        url = made.headers["Location"]
        half = len(CONTENT) // 2
        assert await here.send(url, CONTENT[:half]) == half
        digest = base64.b64encode(bytes.fromhex(HASH)).decode()
        answered = await here.client.patch(
            url,
            headers=chunk(
                half, X_User=MINE, Upload_Hash=f"blake3=:{digest}:", Upload_Instant="challenge"
            ),
            content=b"",
        )
        assert (answered.status_code, answered.headers["Upload-Offset"]) == (204, str(half))
        nonce = nonce_of(answered.headers["Upload-Challenge"])
        assert nonce is not None
        proven = await here.prove(url, answer(nonce, len(CONTENT), read))
        assert proven.headers["Upload-Offset"] == str(len(CONTENT))

    run(tmp_path, scene)


@pytest.mark.parametrize("scope", ["tenant", "global"])
def test_wrong_proofs_replays_and_strangers_are_all_answered_alike(
    tmp_path: Path, scope: str
) -> None:
    """These users upload then as if there had been no challenge."""

    async def scene(here: Scene) -> None:
        await here.store()
        url, nonce = await here.challenged()
        right = answer(nonce, len(CONTENT), read)
        answers = set()

        async def no(url: str, proof: bytes, user: str = MINE) -> None:
            response = await here.prove(url, proof, user)
            headers = {k: v for k, v in response.headers.items() if k != "x-request-id"}
            headers.pop("upload-expires")
            answers.add((response.status_code, tuple(sorted(headers.items())), response.content))
            assert headers["upload-offset"] == "0"

        await no(url, bytes(ANSWER_BYTES))
        await no(url, right)  # One challenge, one attempt.
        other, _ = await here.challenged()
        await no(other, right)  # This replays another user's answer.
        never = (await here.create()).headers["Location"]
        await no(never, right)  # There was no challenge.
        unknown, nonce = await here.challenged(
            Upload_Metadata=metadata(filename="x", filehash=f"blake3:{OTHER_HASH}")
        )
        await no(unknown, answer(nonce, len(CONTENT), read))  # No user has that file.
        stranger, nonce = await here.challenged(user="3 other")
        if scope == "tenant":
            await no(stranger, answer(nonce, len(CONTENT), read), user="3 other")
        assert len(answers) == 1, answers
        assert await here.send(url, CONTENT) == len(CONTENT)

    run(tmp_path, scene, scope=scope, most_owners=0)


@pytest.mark.parametrize("challenge", [True, False])
def test_a_file_of_another_owner_and_an_unknown_file_are_answered_alike(
    tmp_path: Path, challenge: bool
) -> None:
    """The answers are the same byte for byte, except for ids, dates and the nonce."""

    async def scene(here: Scene) -> None:
        await here.store()
        opted = {"Upload_Instant": "challenge"} if challenge else {}
        unknown = metadata(filename="mine.bin", filehash=f"blake3:{OTHER_HASH}")
        held = await here.create(**opted)
        free = await here.create(Upload_Metadata=unknown, **opted)
        assert _shape(held) == _shape(free)
        assert ("upload-challenge" in held.headers) == challenge
        for response in (held, free):
            url = response.headers["Location"]
            head = await here.client.head(url, headers={**TUS, "X-User": MINE})
            assert head.headers["Upload-Offset"] == "0"
            assert "Upload-Instant" not in head.headers

    run(tmp_path, scene)


def _shape(response: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    changing = ("location", "x-request-id", "upload-expires", "upload-challenge")
    headers = [
        (name, "" if name in changing else value) for name, value in response.headers.multi_items()
    ]
    return response.status_code, headers, response.content


def test_who_can_not_be_challenged_is_not(tmp_path: Path) -> None:
    """The client's own fields and the settings show that there is nothing to prove."""

    async def scene(here: Scene) -> None:
        await here.store()
        for user, fields in (
            (MINE, {}),
            (MINE, {"Upload_Instant": "challenge", "Upload_Metadata": metadata(filename="x")}),
            (MINE, {"Upload_Instant": "challenge", "Upload_Length": "999"}),
            ("3", {"Upload_Instant": "challenge"}),
        ):
            made = await here.create(user, **fields)
            assert "Upload-Challenge" not in made.headers
            assert made.headers["Upload-Offset"] == "0"

    run(tmp_path, scene, min_size=1000)


@pytest.mark.parametrize("scope", ["off", "owner"])
def test_no_challenge_where_nothing_is_shared(tmp_path: Path, scope: str) -> None:
    async def scene(here: Scene) -> None:
        await here.store()
        made = await here.create(Upload_Instant="challenge")
        assert "Upload-Challenge" not in made.headers
        url = made.headers["Location"]
        proven = await here.prove(url, bytes(ANSWER_BYTES))
        assert (proven.status_code, proven.headers["Upload-Offset"]) == (204, "0")

    run(tmp_path, scene, scope=scope)


@pytest.mark.parametrize(
    ("proof", "content", "reason"),
    [
        ("abc", b"", "Base64 between two colons"),
        (":!!!!:", b"", "not Base64"),
        (":YWJj:", b"", "must have 32 bytes"),
        (f":{base64.b64encode(bytes(32)).decode()}:", b"x", "empty body"),
    ],
)
def test_a_malformed_proof_is_refused(
    tmp_path: Path, proof: str, content: bytes, reason: str
) -> None:
    async def scene(here: Scene) -> None:
        await here.store()
        url, nonce = await here.challenged()
        headers = chunk(0, X_User=MINE, Upload_Proof=proof)
        refused = await here.client.patch(url, headers=headers, content=content)
        assert refused.status_code == 400
        assert reason in refused.json()["detail"]
        proven = await here.prove(url, answer(nonce, len(CONTENT), read))
        assert proven.headers["Upload-Offset"] == str(len(CONTENT)), "nothing was used up"

    run(tmp_path, scene)


def test_an_upload_of_another_owner_can_not_be_proven(tmp_path: Path) -> None:
    async def scene(here: Scene) -> None:
        await here.store()
        url, nonce = await here.challenged()
        right = answer(nonce, len(CONTENT), read)
        assert (await here.prove(url, right, user="9 acme")).status_code == 404
        assert (await here.prove(url, right)).headers["Upload-Offset"] == str(len(CONTENT))

    run(tmp_path, scene)


def test_in_the_global_scope_a_secret_number_of_owners_is_needed(tmp_path: Path) -> None:
    """With ``most_owners`` 2 that number is 2: one other owner is not enough, two are."""

    async def scene(here: Scene) -> None:
        await here.store("1")
        url, nonce = await here.challenged("5")
        alone = await here.prove(url, answer(nonce, len(CONTENT), read), "5")
        assert alone.headers["Upload-Offset"] == "0"
        await here.store("2 elsewhere")
        url, nonce = await here.challenged("5")
        both = await here.prove(url, answer(nonce, len(CONTENT), read), "5")
        assert both.headers["Upload-Offset"] == str(len(CONTENT))

    run(tmp_path, scene, scope="global", most_owners=2)


def test_too_many_challenges_are_answered_with_decoys(tmp_path: Path) -> None:
    async def scene(here: Scene) -> None:
        await here.store()
        await here.challenged()
        url, nonce = await here.challenged()
        proven = await here.prove(url, answer(nonce, len(CONTENT), read))
        assert proven.headers["Upload-Offset"] == "0"

    run(tmp_path, scene, challenges_per_hour=1)
