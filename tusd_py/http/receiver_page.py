"""Writes the page of a receiver: a file to download, a field for a password, or why there is none.

It works without scripts. Its texts are those of ``page/source/languages``; the reader's language is
taken from Accept-Language.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any, Final, Literal

from starlette.requests import Request
from starlette.responses import Response

from tusd_py.clock import rfc3339
from tusd_py.domain import errors as e
from tusd_py.domain.filenames import extension_of
from tusd_py.domain.share import Share
from tusd_py.domain.sizes import size_text
from tusd_py.http.errors import error_headers, status_of
from tusd_py.http.look import Look
from tusd_py.http.mount import mount_path
from tusd_py.page import BUILT

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "media-src 'self'; form-action 'self'; base-uri 'self'; frame-ancestors 'none'"
)
_TITLE: Final = re.compile("<title>.*?</title>")
_FAMILIES: Final = ("video", "audio", "image")
_NOTICES: Final[Mapping[type[e.TusdError], str]] = {
    e.ShareUsedUp: "used_up",
    e.ShareEnded: "ended",
    e.ShareNotFound: "unknown",
    e.TooManyRequests: "too_many",
}
Player = Literal["video", "audio"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedFile:
    """States what a receiver may see of a file. ``size`` is in bytes."""

    name: str
    size: int
    content_type: str
    has_picture: bool
    player: Player | None
    """The element that plays the file; None: it is not played."""

    @property
    def family(self) -> str:
        """Return ``video``, ``audio``, ``image`` or ``file``."""
        family = self.content_type.partition("/")[0]
        return family if family in _FAMILIES else "file"


class ReceiverPage:
    """Holds the page's markup, with the look of this deployment, and its texts."""

    def __init__(self, look: Look) -> None:
        markup = look.write_into((BUILT / "receiver.html").read_text("utf-8"))
        self._markup = _TITLE.sub("<title><!-- title --></title>", markup, count=1)
        self._texts: Mapping[str, dict[str, Any]] = json.loads(
            (BUILT / "receiver-texts.json").read_text("utf-8")
        )

    def _texts_for(self, request: Request) -> dict[str, Any]:
        accepted = request.headers.get("accept-language", "")
        return self._texts[language_of(accepted, self._texts)]

    def file(self, request: Request, share: Share, file: SharedFile, path: str) -> Response:
        """Return the page with a file. ``path``: the path of the share's page."""
        text = self._texts_for(request)
        address = escape(path)
        kind = " ".join((text[file.family], extension_of(file.name).upper())).strip()
        facts = text["facts"].format(kind=kind, size=size_text(file.size))
        counts = file.player is not None and share.downloads is not None
        parts = [
            f"<h1><bdi>{escape(file.name)}</bdi></h1>",
            f'<p class="facts">{escape(facts)}</p>',
            _preview(file, address),
            f'<p class="note">{text["counts"]}</p>' if counts else "",
            f'<a class="go" href="{address}/download" download rel="nofollow">{text["download"]}'
            "</a>",
            f'<p class="note">{_until(text, share)} {_left(text, share)}</p>',
        ]
        return self._page(request, text, file.name, "\n".join(filter(None, parts)))

    def password(self, request: Request, path: str, *, error: e.TusdError | None) -> Response:
        """Return the page with a field for the password, and why the last one was not taken."""
        text = self._texts_for(request)
        why = ""
        if error is not None:
            name = "too_many" if isinstance(error, e.TooManyRequests) else "wrong"
            why = f'<p class="wrong" id="why" role="alert">{text[name]}</p>\n'
        about = ' aria-describedby="why" aria-invalid="true"' if why else ""
        content = (
            f'<h1>{text["locked"]}</h1>\n<form method="post" action="{escape(path)}">\n'
            f'<label for="password">{text["password"]}</label>\n'
            '<input id="password" name="password" type="password" autocomplete="off" '
            f"maxlength=200 required autofocus{about}>\n{why}"
            f'<button class="go">{text["open"]}</button>\n</form>'
        )
        # A challenge (401) would open the browser's own dialog over the field.
        status = 403 if isinstance(error, e.SharePasswordWrong) else 200
        headers = {}
        if isinstance(error, e.TooManyRequests):
            status = status_of(error)
            headers = error_headers(error, status)
        return self._page(request, text, text["locked"], content, status=status, headers=headers)

    def notice(self, request: Request, error: e.TusdError) -> Response:
        """Return the page that says why there is no file."""
        text = self._texts_for(request)
        name = next((_NOTICES[kind] for kind in type(error).__mro__ if kind in _NOTICES), "failed")
        title = text[f"{name}_title"]
        status = status_of(error)
        content = f"<h1>{title}</h1>\n<p>{text[name]}</p>"
        headers = error_headers(error, status)
        return self._page(request, text, title, content, status=status, headers=headers)

    def _page(
        self,
        request: Request,
        text: Mapping[str, Any],
        title: str,
        content: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        about = text["about"]
        page = self._markup
        for place, written in (
            ('lang="en" dir="ltr"', f'lang="{about["tag"]}" dir="{about["direction"]}"'),
            ('<base href="/">', f'<base href="{escape(mount_path(request.scope))}/">'),
            ("<!-- title -->", escape(title)),
            ("<!-- content -->", content),
        ):
            page = page.replace(place, written, 1)
        own = {"Content-Security-Policy": _POLICY, "Vary": "Accept, Accept-Language"}
        return Response(page, status, {**(headers or {}), **own}, "text/html")


def language_of(accepted: str, known: Collection[str]) -> str:
    """Return the first language of Accept-Language that is known, else English (RFC 9110, 12.5.4).

    Args: accepted: the field's value; known: languages without a region.
    """
    found: list[tuple[float, str]] = []
    for entry in accepted.lower().split(","):
        tag, _, weight = entry.strip().partition(";q=")
        language = tag.partition("-")[0].strip()
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        if language in known and quality > 0:
            found.append((quality, language))
    return max(found, key=lambda one: one[0], default=(0.0, "en"))[1]


def _preview(file: SharedFile, address: str) -> str:
    picture = f"{address}/picture"
    if file.player == "video":
        poster = f' poster="{picture}"' if file.has_picture else ""
        return f'<video controls preload="none" src="{address}/play"{poster}></video>'
    shown = f'<img src="{picture}" alt="">' if file.has_picture else ""
    if file.player == "audio":
        return f'{shown}<audio controls preload="none" src="{address}/play"></audio>'
    return shown


def _until(text: Mapping[str, str], share: Share) -> str:
    at = datetime.fromtimestamp(share.expires_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    time = f'<time datetime="{rfc3339(share.expires_at)}">{at}</time>'
    return text["until"].format(time=time)


def _left(text: Mapping[str, str], share: Share) -> str:
    if share.left is None:
        return ""
    name = {0: "left_none", 1: "left_one"}.get(share.left, "left")
    return text[name].format(left=share.left)
