"""The page about frameworks: its Django and Flask, beside a real server and behind nginx."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.clients import by_tuspy
from support.page import bundle, visiting
from support.proxies import Nginx
from support.required import require_program
from support.server import running_server
from support.services import free_port, listens
from support.snippets import python_process, run_python, snippet
from support.tokens import bearer, token
from support.tus import TUS, creation
from support.waiting import wait_until

SECRET = "5f1e0c7a93b24d68a1f0e2d3c4b5a697"
TOKEN = snippet("docs/frameworks.md", "import os\nimport time\n")
CONTENT = b"a report of its user" * 10_000
ALL_OTHERS = "    location / {\n        proxy_pass http://tusd;\n    }\n"
"""The lines of the shipped file that the page replaces."""
PAGE = "<!doctype html><div id=files></div><script type=module src=/block.js></script>"
DJANGO_SETTINGS = """
SECRET_KEY = "only for this test"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "urls"
LOGIN_URL = "/login"
INSTALLED_APPS = [f"django.contrib.{name}" for name in ("auth", "contenttypes", "sessions")]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": ["templates"]}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "site.db"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
"""
DJANGO_SITE = f"""
from django.contrib.auth import authenticate, login
from django.http import HttpResponse, HttpResponseRedirect


def enter(request):
    if request.method == "GET":
        return HttpResponse("<form method=post><input name=name><input name=word><button>ok</button></form>")
    login(request, authenticate(username=request.POST["name"], password=request.POST["word"]))
    return HttpResponseRedirect("/")


urlpatterns += [
    path("login", enter), path("report", report), path("", lambda request: HttpResponse({PAGE!r})),
]
"""
FORM = snippet("docs/component.md", "<form method=")
NAMES_OF = snippet("docs/component.md", "import os\nimport re\n")
FORM_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Report</title>
<main><h1>Report</h1>{}</main></html>"""
HAND_IN: list[list[object]] = [
    ["go", "/report"], ["there", "tusd-upload .hint"], ["accessible"],
    # The form is not submitted without a file, and what has the focus says why.
    ["press", "text=Hand in"], ["there", "tusd-upload .choose:focus"],
]  # fmt: skip
"""What a person does first at the form of the page about the component."""
FLASK_SITE = """
from flask import Flask, request
from flask_login import LoginManager, UserMixin, login_user

app = Flask(__name__)
app.secret_key = "only for this test"
manager = LoginManager(app)


class User(UserMixin):
    def __init__(self, id):
        self.id = id


@manager.user_loader
def user_of(id):
    return User(id)


@app.route("/login", methods=["GET", "POST"])
def enter():
    if request.method == "GET":
        return "<form method=post><input name=number><button>ok</button></form>"
    login_user(User(request.form["number"]))
    return "ok"
"""


class InFront(Nginx):
    """The shipped nginx file with the locations of the page."""

    def __init__(self, server_port: int, application_port: int) -> None:
        self._application_port = application_port
        super().__init__(server_port)

    def write_files(self) -> None:
        super().write_files()
        block = snippet("docs/frameworks.md", "location /files/")
        file = self.directory / "site.conf"
        text = file.read_text()
        assert ALL_OTHERS in text
        own = block.text.replace("127.0.0.1:8000", f"127.0.0.1:{self._application_port}")
        file.write_text(text.replace(ALL_OTHERS, own))


@contextmanager
def beside(
    folder: Path, command: list[str], port: int, env: Mapping[str, str] | None = None
) -> Iterator[InFront]:
    """Run an application and a server with the same secret, and nginx in front of both."""
    require_program("nginx")
    common = {"TUSD_AUTH__ACCESS_SECRET": SECRET}
    with running_server(folder / "data", "--behind-proxy", "--workers", "1", env=common) as server:
        nginx = InFront(server.port, port)
        own = {**os.environ, **common, "TUSD_URL": nginx.url, **(env or {})}
        process = subprocess.Popen(command, cwd=folder, env=own)
        try:
            wait_until(lambda: process.poll() is not None or listens(port))
            assert process.poll() is None, "the application has ended"
            nginx.start()
            yield nginx
        finally:
            nginx.close()
            process.terminate()
            process.wait(30)


def tasks(site: InFront, user: int) -> list[dict[str, Any]]:
    """Return the tasks of a user once all have ended."""

    def found() -> list[dict[str, Any]]:
        answer = httpx.get(
            f"{site.url}/api/file/upload/tasks", headers=bearer(token(user, secret=SECRET))
        )
        listed: list[dict[str, Any]] = answer.json()["tasks"]
        return listed

    wait_until(lambda: all(task["status"] == "completed" for task in found()))
    return found()


def test_a_token_is_accepted_for_its_user_until_it_expires(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUSD_AUTH__ACCESS_SECRET", SECRET)
    upload_token = run_python(TOKEN)["upload_token"]
    env = {"TUSD_AUTH__ACCESS_SECRET": SECRET}
    with running_server(tmp_path / "data", "--workers", "0", env=env) as server:
        made = [
            httpx.post(server.files, headers={**creation(5), **bearer(made)})
            for made in (upload_token(7), upload_token(8), upload_token(7, seconds=-3600))
        ]
        assert [one.status_code for one in made] == [201, 201, 401]
        other = {**TUS, **bearer(upload_token(8))}
        assert httpx.head(made[0].headers["Location"], headers=other).status_code == 404


def test_who_logs_in_at_django_uploads_from_its_page(tmp_path: Path) -> None:
    view = snippet("docs/frameworks.md", "from django.contrib.auth.decorators")
    page = snippet("docs/frameworks.md", "import Uppy from '@uppy/core'")
    (tmp_path / "site_settings.py").write_text(DJANGO_SETTINGS)
    form_view = snippet("docs/component.md", "from django.contrib.auth.decorators")
    (tmp_path / "urls.py").write_text(
        f"{TOKEN.text}\n{view.text}\n{NAMES_OF.text}\n{form_view.text}\n{DJANGO_SITE}"
    )
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "report.html").write_text(FORM_PAGE.format(FORM.text))
    file, other = tmp_path / "report.mp4", tmp_path / "form.bin"
    other.write_bytes(CONTENT[::-1])
    file.write_bytes(CONTENT)
    port = free_port()
    env = {"DJANGO_SETTINGS_MODULE": "site_settings", "TUSD_AUTH__ACCESS_SECRET": SECRET}
    manage = [sys.executable, "-m", "django"]
    make_user = (
        "from django.contrib.auth.models import User as U; "
        "[U.objects.create_user(name, password='word') for name in ('grace', 'ada')]"
    )
    for command in (["migrate", "-v0"], ["shell", "-v0", "-c", make_user]):
        subprocess.run(
            [*manage, *command, "--pythonpath=."], cwd=tmp_path, env={**os.environ, **env},
            check=True,
        )  # fmt: skip
    serve = [*manage, "runserver", "--noreload", "--pythonpath=.", f"127.0.0.1:{port}"]
    with beside(tmp_path, serve, port, env) as site:
        assert httpx.get(f"{site.url}/upload-token").status_code == 302
        answers = {"/block.js": bundle(page.text, tmp_path)}
        with visiting(
            f"{site.url}/login",
            ["fill", "[name=name]", "ada"], ["fill", "[name=word]", "word"], ["press", "button"],
            ["add", str(file)], ["press", ".uppy-StatusBar-actionBtn--upload"],
            ["text", ".uppy-StatusBar", "Complete"],
            *HAND_IN,
            ["choose", "tusd-upload input", str(file), str(other)],
            ["there", "tusd-upload li[data-state=sent] >> nth=1"], ["accessible"],
            ["requests", "POST", "upload-metadata", "filehash"],
            ["press", "text=Hand in"], ["text", "body", "Handed in: report.mp4, form.bin"],
            answers=answers,
        ) as visit:  # fmt: skip
            seen = visit.seen()
        assert [each["violations"] for each in seen if "violations" in each] == [[], []]
        # Both were hashed, and the one that is there already was not sent.
        assert [each["requests"] for each in seen if "requests" in each] == [2]
        assert [task["filename"] for task in tasks(site, 2)][2:] == ["report.mp4"]
        assert tasks(site, 1) == []


# tuspy leaves the file open.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_who_logs_in_at_flask_uploads_by_tuspy_and_its_tasks_by_our_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = snippet("docs/frameworks.md", "from flask_login import current_user")
    script = snippet("docs/frameworks.md", "from pathlib import Path")
    form_view = snippet("docs/component.md", "from flask import render_template")
    (tmp_path / "pages.py").write_text(
        f"{FLASK_SITE}\n{TOKEN.text}\n{view.text}\n{NAMES_OF.text}\n{form_view.text}"
    )
    (tmp_path / "templates").mkdir()
    form = FORM.text.replace("  {% csrf_token %}\n", "")
    (tmp_path / "templates" / "report.html").write_text(FORM_PAGE.format(form))
    file = tmp_path / "report.mp4"
    file.write_bytes(CONTENT)
    port = free_port()
    serve = [sys.executable, "-m", "flask", "--app", "pages:app", "run", "--port", str(port)]
    with beside(tmp_path, serve, port) as site, httpx.Client(base_url=site.url) as browser:
        assert browser.get("/upload-token").status_code == 401
        browser.post("/login", data={"number": "7"})
        got = browser.get("/upload-token").json()["token"]
        address = by_tuspy(site.files, file, "", headers=bearer(got))
        assert address.startswith(site.files)
        monkeypatch.setenv("TUSD_AUTH__ACCESS_SECRET", SECRET)
        python_process(TOKEN, script, at=site.url, folder=tmp_path, user_id=7)
        assert {task["filename"] for task in tasks(site, 7)} == {"a.bin", "report.mp4"}
        assert tasks(site, 8) == []
        theirs = browser.post("/report", data={"report": address.rpartition("/")[2]})
        assert theirs.text == "Handed in: a.bin"
        with visiting(
            f"{site.url}/login",
            ["fill", "[name=number]", "8"], ["press", "button"], ["text", "body", "ok"],
            ["go", "/report"], ["choose", "tusd-upload input", str(file)],
            ["there", "tusd-upload li[data-state=sent]"],
            ["press", "text=Hand in"], ["text", "body", "Handed in: report.mp4"],
        ) as visit:  # fmt: skip
            visit.seen()
        assert [task["filename"] for task in tasks(site, 8)] == ["report.mp4"]
