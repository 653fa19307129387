"""A FastAPI application whose users upload files: its own login, tusd-py mounted at /uploads.

    SECRET=$(openssl rand -hex 32) uvicorn docs.examples.fastapi_app:app

Then open http://127.0.0.1:8000/, log in as ada (password: lovelace), and drop files.
"""

import hmac
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import Response

from tusd_py import Settings, create_app
from tusd_py.domain.caller import Caller
from tusd_py.domain.errors import Unauthenticated
from tusd_py.domain.ids import UserId

USERS = {"ada": (1, "lovelace"), "grace": (2, "hopper")}
"""In your application they come from a database, with hashed passwords."""

LOGIN = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Log in</title>
<form method="post" action="/login"><h1>Log in</h1><p role="alert">{trouble}</p>
<label>Name <input name="name" required></label>
<label>Password <input name="password" type="password" required></label> <button>Log in</button>
</form></html>"""

REPORT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Report</title>
<form method="post"><h1>Report</h1><label for="report">Files</label>
<tusd-upload id="report" name="report" endpoint="/uploads/files/" multiple required></tusd-upload>
<button>Hand in</button></form><script src="/uploads/page/tusd-upload.js"></script></html>"""


async def current_user(connection: HTTPConnection) -> Caller:
    """Return the user of the session that the login below began."""
    user_id = connection.session.get("user_id")
    if user_id is None:
        raise Unauthenticated("Log in first.")
    return Caller(UserId(user_id))


uploads = create_app(
    Settings(data_dir=Path(os.environ.get("DATA_DIR", "data"))), authenticate=current_user
)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Run the lifespan of the mounted application, which does not run by itself."""
    async with uploads.router.lifespan_context(uploads):
        yield


app = FastAPI(lifespan=lifespan)
# Browsers send the cookie with no request that another site makes (SameSite=Lax).
app.add_middleware(SessionMiddleware, secret_key=os.environ["SECRET"], same_site="lax")


@app.get("/", response_class=HTMLResponse)
def home(request: Request) -> Response:
    """Return the login page, or redirect to the uploads."""
    if "user_id" in request.session:
        return RedirectResponse("/uploads/")
    return HTMLResponse(LOGIN.format(trouble=""))


@app.post("/login", response_class=HTMLResponse)
def login(
    request: Request, name: Annotated[str, Form()], password: Annotated[str, Form()]
) -> Response:
    """Begin a session."""
    user_id, right = USERS.get(name, (0, ""))
    if not user_id or not hmac.compare_digest(password.encode(), right.encode()):
        return HTMLResponse(LOGIN.format(trouble="Wrong name or password."), 401)
    request.session["user_id"] = user_id
    return RedirectResponse("/uploads/", 303)


@app.get("/report", response_class=HTMLResponse)
def report_form(request: Request) -> Response:
    """Return a form with files as one of its fields."""
    return HTMLResponse(REPORT if "user_id" in request.session else LOGIN.format(trouble=""))


@app.post("/report")
def report(report: Annotated[list[str], Form()]) -> dict[str, list[str]]:
    """Take the form. The ids are words of the browser: what you do with a file, do for its user."""
    return {"uploads": report}


app.mount("/uploads", uploads)
