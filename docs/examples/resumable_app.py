"""A FastAPI application with an endpoint of its own whose requests clients can resume.

    uvicorn --http tusd_py.ingest.uvicorn_protocol:TusHttpProtocol docs.examples.resumable_app:app

An upload task of iOS that sends a form to http://127.0.0.1:8000/photos goes on after a break.
"""

import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Form, UploadFile

from tusd_py import ResumableRequests, Settings, create_app

uploads = create_app(Settings(data_dir=Path(os.environ.get("DATA_DIR", "data"))))


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Run the lifespan of the mounted application, which does not run by itself."""
    async with uploads.router.lifespan_context(uploads):
        yield


app = FastAPI(lifespan=lifespan)
# Middleware that is added later is outside of this one, as that of a session has to be.
app.add_middleware(ResumableRequests, server=uploads, mount="/uploads", paths=["/photos"])


@app.get("/")
def home() -> str:
    """Return what the application takes."""
    return "Send a form with the fields album and photo to /photos."


@app.post("/photos", status_code=201)
async def add_photo(photo: UploadFile, album: Annotated[str, Form()]) -> dict[str, object]:
    """Take a photo, in whatever number of requests it came."""
    digest, size = hashlib.sha256(), 0
    while piece := await photo.read(1 << 20):
        digest.update(piece)
        size += len(piece)
    return {"album": album, "name": photo.filename, "bytes": size, "sha256": digest.hexdigest()}


app.mount("/uploads", uploads)
