"""Every shipped file of a proxy before a real server that demands identity: what users rely on."""

import socket
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
from support.nginx import Nginx as OuterNginx
from support.proxies import PROXIES, Nginx, ShippedProxy
from support.raw_http import connected
from support.required import require_program
from support.server import Server, running_server
from support.services import free_port
from support.tokens import SECRET, bearer, token
from support.tus import TUS, chunk, creation
from support.waiting import wait_until
from websockets.sync.client import connect

USER = bearer(token(7))
AUTH = {"TUSD_AUTH__REQUIRED": "true", "TUSD_AUTH__ACCESS_SECRET": SECRET}
INTERIM = {"TUSD_INTERIM_RESPONSES": "always"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("proxied")
    env = {**AUTH, **INTERIM}
    with running_server(folder / "data", "--workers", "0", "--behind-proxy", env=env) as running:
        yield running


@pytest.fixture(scope="module", params=PROXIES)
def proxy(request: pytest.FixtureRequest, server: Server) -> Iterator[ShippedProxy]:
    require_program(request.param)
    found = PROXIES[request.param](server.port)
    try:
        found.start()
        yield found
    finally:
        found.close()


def made(proxy: ShippedProxy, length: int) -> str:
    answer = httpx.post(proxy.files, headers={**creation(length), **USER})
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"]


def offset(url: str) -> int:
    return int(httpx.head(url, headers={**TUS, **USER}).headers["Upload-Offset"])


def test_location_has_the_address_of_the_proxy_whatever_the_client_says(
    proxy: ShippedProxy,
) -> None:
    forged = {
        "Forwarded": "host=evil.test;proto=https",
        "X-Forwarded-Host": "evil.test",
        "X-Forwarded-Port": "1",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-Proto": "https",
    }
    for more in ({}, forged):
        answer = httpx.post(proxy.files, headers={**creation(1), **USER, **more})
        assert answer.headers["Location"].startswith(f"http://127.0.0.1:{proxy.port}/files/")
    page = httpx.get(proxy.url, headers={"Accept": "text/html", **forged})
    assert '<base href="/">' in page.text


def stored(server: Server, url: str) -> int:
    task = url.rpartition("/")[2]
    return (server.data_dir / "uploads" / task[:2] / task).stat().st_size


def test_what_had_arrived_before_a_cut_is_there_and_the_rest_follows(
    server: Server, proxy: ShippedProxy
) -> None:
    content = bytes(range(256)) * 4096
    url, half = made(proxy, len(content)), len(content) // 2
    with connected(url) as connection:
        connection.send(connection.patch(url, 0, len(content), **USER), content[:half])
        # The file shows it: a HEAD would end the request.
        wait_until(lambda: stored(server, url) > half // 2)
    arrived = offset(url)
    assert half // 2 < arrived <= half
    rest = httpx.patch(url, headers={**chunk(arrived), **USER}, content=content[arrived:])
    assert (rest.status_code, rest.headers["Upload-Offset"]) == (204, str(len(content)))
    assert httpx.get(url, headers=USER).content == content


@pytest.mark.parametrize("proxy", ["haproxy", "caddy"], indirect=True)
def test_these_proxies_pass_a_104_while_the_body_still_arrives(proxy: ShippedProxy) -> None:
    half = bytes(1 << 18)
    fields = {"Upload-Draft-Interop-Version": "8", "Upload-Complete": "?1", **USER}
    with connected(proxy.files) as connection:
        connection.send(
            connection.plain("POST", proxy.files, **{"Content-Length": 2 * len(half), **fields}),
            half,
        )
        first = connection.answer()
        assert (first.status, first.headers["upload-draft-interop-version"]) == (104, "8")
        assert first.headers["location"].startswith(proxy.files)
        connection.send(half)
        last = connection.answers()[-1]
        assert (last.status, last.headers["location"]) == (201, first.headers["location"])


def test_the_first_event_comes_while_the_stream_is_open(proxy: ShippedProxy) -> None:
    task = made(proxy, 1).rpartition("/")[2]
    address = f"{proxy.url}/api/file/upload/events/{task}"
    with httpx.stream("GET", address, headers={**USER, "Accept-Encoding": "gzip"}) as stream:
        assert any("data:" in text for text in stream.iter_text())


def test_websockets_pass(proxy: ShippedProxy) -> None:
    task = made(proxy, 1).rpartition("/")[2]
    address = f"ws://127.0.0.1:{proxy.port}/api/file/upload/ws/{task}"
    with connect(address, additional_headers=USER, close_timeout=1) as websocket:
        assert task in str(websocket.recv(30))


def test_a_client_that_waits_for_100_continue_gets_it(proxy: ShippedProxy) -> None:
    url = made(proxy, 5)
    with connected(url) as connection:
        connection.send(connection.patch(url, 0, 5, Expect="100-continue", **USER))
        assert connection.socket.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 100"
        connection.send(b"bytes")
        answer = connection.answer()
        while answer.status == 100:
            answer = connection.answer()
        assert answer.status == 204


def test_a_refusal_before_the_body_has_arrived_reaches_the_client(proxy: ShippedProxy) -> None:
    """The offset is known afterwards, also where Apache answers 502 in place of 409."""
    url = made(proxy, 1 << 24)
    answer = httpx.patch(url, headers={**chunk(7), **USER}, content=bytes((1 << 24) - 7))
    assert answer.status_code in ({409, 502} if proxy.program == "apache2" else {409})
    assert offset(url) == 0


def test_what_is_for_machines_and_operators_is_closed(proxy: ShippedProxy) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert httpx.get(proxy.url + path).status_code == 404
    assert httpx.get(f"{proxy.url}/api/admin/overview").status_code == 401
    assert httpx.get(f"{proxy.url}/api/file/upload/tasks").status_code == 401


def test_a_long_head_and_every_method_pass(proxy: ShippedProxy) -> None:
    parts = " ".join(f"{proxy.files}{'0' * 32}" for _ in range(600))
    fields = {**TUS, **USER, "Upload-Concat": f"final;{parts}"}
    unknown = httpx.post(proxy.files, headers=fields)
    assert (unknown.status_code, unknown.json()["code"]) == (400, "invalid_concatenation")
    url = made(proxy, 1)
    assert httpx.options(url, headers=USER).status_code == 204
    assert httpx.delete(url, headers={**TUS, **USER}).status_code == 204


def test_without_a_server_clients_wait(proxy: ShippedProxy) -> None:
    """Apache has no rule for HEAD; HAProxy has it once its checks have failed."""
    alone = type(proxy)(free_port())

    def status(method: str) -> int:
        headers = {**TUS, **USER}
        return httpx.request(method, f"{alone.files}{'0' * 32}", headers=headers).status_code

    with closing(alone):
        alone.start()
        if proxy.program != "apache2":
            wait_until(lambda: status("HEAD") == 423)
        assert status("GET") == 503


def test_behind_two_proxies_the_address_by_the_setting_counts(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The inner proxy sees no TLS and says so; the page's content policy allows only its origin."""
    port = free_port()
    inner = Nginx(port)
    outer = OuterNginx(inner.port)
    folder = tmp_path_factory.mktemp("two")
    env = {**AUTH, "TUSD_PUBLIC_URL": outer.url}
    with (
        closing(inner),
        closing(outer),
        running_server(folder, "--workers", "0", "--behind-proxy", env=env, port=port),
        httpx.Client(verify=False) as client,
    ):
        inner.start()
        outer.start()
        answer = client.post(f"{outer.url}/files/", headers={**creation(0), **USER})
        assert answer.headers["Location"].startswith(f"{outer.url}/files/")
        page = {**USER, "Origin": outer.url, "Sec-Fetch-Site": "same-origin"}
        listed = client.get(f"{outer.url}/api/file/upload/tasks", headers=page)
        assert listed.status_code == 200
