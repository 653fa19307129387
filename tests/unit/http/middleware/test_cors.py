"""Tests which header fields a page of an allowed origin may send and read, and who is refused."""

from collections.abc import Mapping
from typing import Any, Final

import anyio
import httpx
import pytest
from starlette.responses import PlainTextResponse

from tusd_py.http.middleware.cors import ALLOW_HEADERS, EXPOSE_HEADERS, CorsMiddleware
from tusd_py.protocol.origin import PublicAddress
from tusd_py.settings.access import CorsSettings

LISTED: Final = "https://page.example"
HOST: Final = "http://uploads.example"
PREFLIGHT: Final = {"Origin": LISTED, "Access-Control-Request-Method": "PATCH"}


def answer(
    method: str, headers: Mapping[str, str], *, by_tokens: bool = False, **settings: Any
) -> httpx.Response:
    """Return the answer to one request of a page to ``/files/``."""
    app = CorsMiddleware(
        PlainTextResponse("taken"),
        CorsSettings(**settings),
        origins=(LISTED,),
        by_tokens=by_tokens,
        address=PublicAddress(trusted=False, origin="https://public.test"),
        tus_path="/files/",
        pages=("/",),
        unmarked=("/admin",),
        open_paths=("/healthz",),
        open_below="/s/",
    )

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=HOST) as client:
            return await client.request(method, "/files/", headers=dict(headers))

    return anyio.run(send)


def names(answered: httpx.Response, field: str) -> list[str]:
    return answered.headers[field].split(", ")


def test_a_page_may_send_the_fields_of_clients_and_those_that_are_listed() -> None:
    answered = answer("OPTIONS", PREFLIGHT, allow_headers=("X-Tenant", "traceparent"))
    expected = [*ALLOW_HEADERS.split(", "), "X-Tenant", "traceparent"]
    assert names(answered, "Access-Control-Allow-Headers") == expected
    assert names(answer("OPTIONS", PREFLIGHT), "Access-Control-Allow-Headers") == (
        ALLOW_HEADERS.split(", ")
    )


def test_a_page_may_send_all_fields_that_it_asks_for_where_all_are_allowed() -> None:
    asking = {**PREFLIGHT, "Access-Control-Request-Headers": "x-any,authorization, x-b"}
    answered = answer("OPTIONS", asking, allow_headers=("*",))
    expected = [*ALLOW_HEADERS.split(", "), "x-any", "authorization", "x-b"]
    assert names(answered, "Access-Control-Allow-Headers") == expected
    assert "Access-Control-Request-Headers" in answered.headers["Vary"]
    assert "x-any" not in answer("OPTIONS", asking).headers["Access-Control-Allow-Headers"]
    refused = answer("OPTIONS", {**asking, "Origin": "https://evil.example"}, allow_headers=("*",))
    assert refused.status_code == 403
    assert "Access-Control-Allow-Headers" not in refused.headers


@pytest.mark.parametrize("requested", ["", ",", "a b", "x:1", 'x"', "x;y", "x-a\\tb"])
def test_what_is_no_name_of_a_field_is_never_repeated(requested: str) -> None:
    asking = {**PREFLIGHT, "Access-Control-Request-Headers": requested}
    answered = answer("OPTIONS", asking, allow_headers=("*",))
    assert answered.headers["Access-Control-Allow-Headers"] == ALLOW_HEADERS


def test_a_page_may_read_the_fields_of_the_server_and_those_that_are_listed() -> None:
    answered = answer("POST", {"Origin": LISTED}, expose_headers=("X-Cache",))
    expected = [*EXPOSE_HEADERS.split(", "), "X-Cache"]
    assert names(answered, "Access-Control-Expose-Headers") == expected


@pytest.mark.parametrize(
    ("method", "headers"), [("OPTIONS", PREFLIGHT), ("POST", {"Origin": LISTED})]
)
def test_a_proxy_may_be_the_one_that_answers_for_cors(
    method: str, headers: Mapping[str, str]
) -> None:
    answered = answer(method, headers, disable=True)
    assert answered.text == "taken"
    assert not [name for name in answered.headers if name.startswith("access-control")]
    assert answer("POST", {"Origin": "https://evil.example"}, disable=True).status_code == 403


def test_an_own_page_behind_a_proxy_that_hides_its_name_is_no_other_site() -> None:
    """The browser says so, and where tokens are needed a rebound name has none."""
    page = {"Origin": "https://public.example", "Sec-Fetch-Site": "same-origin"}
    assert answer("POST", page, by_tokens=True).text == "taken"
    assert answer("POST", page).status_code == 403
    for site in ("cross-site", "same-site", "none"):
        other = {**page, "Sec-Fetch-Site": site}
        assert answer("POST", other, by_tokens=True).status_code == 403
