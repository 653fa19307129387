"""The look of the pages by settings, in a real Chromium."""

from pathlib import Path

import httpx
from support.page import visiting
from support.server import running_server

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><script>alert(1)</script></svg>'
)
TITLE = 'Films <b>of "us"</b>'
TEXT = "They are deleted after 30 days.\n<img src=x onerror=alert(1)>"
FACTS = """({
  marked: document.querySelectorAll('h1 *, #welcome *').length,
  title: document.title,
  colour: getComputedStyle(document.querySelector('footer button')).getPropertyValue('--accent'),
  logo: document.querySelector('#logo').naturalWidth,
  tooWide: document.documentElement.scrollWidth - innerWidth,
})"""


def test_all_pages_have_the_look_of_their_deployment(tmp_path: Path) -> None:
    (logo := tmp_path / "logo.svg").write_text(SVG)
    env = {
        "TUSD_PAGE__TITLE": TITLE, "TUSD_PAGE__TEXT": TEXT, "TUSD_PAGE__COLOUR": "#f2c14e",
        "TUSD_PAGE__LOGO": str(logo), "TUSD_PAGE__LINKS": '{"Imprint": "/imprint"}',
        "TUSD_PAGE__LANGUAGES": '{"zh": {"title": "电影"}}',
    }  # fmt: skip
    narrow = {"width": 320, "height": 600}
    with running_server(tmp_path / "data", "--workers", "1", env=env) as server:
        with visiting(
            f"{server.url}/",
            ["text", "h1", TITLE], ["text", "#welcome", TEXT], ["text", "footer", "Imprint"],
            ["there", ".uppy-Dashboard-note"], ["accessible"], ["script", FACTS],
            # As in a language that is written from right to left.
            ["script", "document.documentElement.dir = 'rtl'"], ["script", FACTS],
            ["language", "zh"], ["text", "h1", "电影"],
            context={"colorScheme": "dark", "viewport": narrow},
        ) as visit:  # fmt: skip
            seen = visit.seen()
        facts = [each["returned"] for each in seen if isinstance(each.get("returned"), dict)]
        assert facts[0] == facts[1] == {
            "marked": 0, "title": TITLE, "colour": "light-dark(#8a6e2c, #f2c14e)", "logo": 90,
            "tooWide": 0,
        }  # fmt: skip
        assert next(each["violations"] for each in seen if "violations" in each) == []
        with visiting(
            server.operator_link, ["text", "h1", f"{TITLE}: operation"], ["accessible"],
            ["script", FACTS],
        ) as operator:  # fmt: skip
            seen = operator.seen()
        assert next(each["violations"] for each in seen if "violations" in each) == []
        picture = httpx.get(f"{server.url}/page/logo")
    assert picture.headers["Content-Type"] == "image/svg+xml"
    # Opened by itself it runs nothing.
    policy = picture.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
