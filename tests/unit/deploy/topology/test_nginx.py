"""The shipped nginx configuration, and what deploy/local replaces in it."""

import re

import pytest
from topology.nginx import MARK, SITE, site

SHIPPED = """# a comment that contains "yours"
map $a $b { default x; }
    server 127.0.0.1:8888; # yours
    listen 80;  # yours
    listen 443; # yours
    keepalive 64;
"""


def test_marked_lines_are_exchanged_and_all_others_stay() -> None:
    own = {"server": ["    server a;", "    server b;"], "listen": ["    listen c;"]}
    assert site(SHIPPED, own).splitlines() == [
        '# a comment that contains "yours"',
        "map $a $b { default x; }",
        "    server a;",
        "    server b;",
        "    listen c;",
        "    keepalive 64;",
    ]


def test_a_marked_line_without_a_replacement_is_an_error() -> None:
    with pytest.raises(ValueError, match="listen"):
        site(SHIPPED, {"server": []})


def test_a_replacement_without_a_marked_line_is_an_error() -> None:
    with pytest.raises(ValueError, match="missing"):
        site(SHIPPED, {"server": [], "listen": [], "server_name": []})


def test_only_addresses_names_and_tls_are_a_sites_own() -> None:
    marked = [line.split()[0] for line in SITE.read_text("utf-8").splitlines() if MARK in line]
    assert marked == [
        "server", "listen", "listen", "server_name", "ssl_certificate", "ssl_certificate_key",
        # Where TLS ends, and for how long browsers remember that there is TLS.
        "if", "add_header", "add_header",
    ]  # fmt: skip


def test_every_directive_with_a_reason_states_it() -> None:
    text = SITE.read_text("utf-8")
    for directive in (
        "client_max_body_size 0", "proxy_request_buffering off", "proxy_buffering off",
        "client_body_timeout", "proxy_read_timeout", "proxy_next_upstream ", "hash ",
    ):  # fmt: skip
        before = text[: text.index(directive)].splitlines()
        block = re.split(r"\n\s*\n", "\n".join(before))[-1]
        assert "#" in block, directive
