"""The web component in a real Chromium: what interrupts it, and what its form knows meanwhile."""

import os
from pathlib import Path

from support.interrupted import SIZE, SLOW_UP_TO_RESTART, restarted_in_the_middle
from support.metrics import metrics
from support.page import visiting
from support.server import running_server
from support.tokens import SECRET, token

PAGE = """<!doctype html><html lang="zh"><meta charset="utf-8"><title>表单</title><main><h1>表单</h1>
<form><tusd-upload name="report" required></tusd-upload></form></main>
<script type="module">
  import { TusdUpload } from '/page/tusd-upload.mjs'
  const field = document.querySelector('tusd-upload')
  const tokens = ['refused', TOKEN]
  field.token = () => tokens.shift() ?? new Promise(() => {})
  window.said = []
  for (const type of ['success', 'error', 'complete']) field.addEventListener(`tusd-${type}`, () => said.push(type))
  window.is = field instanceof TusdUpload
</script>"""
STATE = """({
  is, said, valid: document.querySelector('form').checkValidity(),
  message: document.querySelector('tusd-upload').validationMessage,
  sent: [...new FormData(document.querySelector('form')).keys()],
})"""


def test_it_goes_on_after_a_restart_and_with_another_token(tmp_path: Path) -> None:
    (big := tmp_path / "big.bin").write_bytes(os.urandom(SIZE))
    (bad := tmp_path / "bad.exe").write_bytes(b"MZ")
    env = {
        **SLOW_UP_TO_RESTART, "TUSD_AUTH__ACCESS_SECRET": SECRET,
        "TUSD_WHITELIST__EXTENSIONS": "bin",
    }  # fmt: skip
    answers = {"/form": {"contentType": "text/html", "body": PAGE.replace("TOKEN", repr(token(7)))}}
    with (
        running_server(tmp_path / "data", "--workers", "1", env=env) as server,
        visiting(
            f"{server.url}/form",
            ["there", "tusd-upload .hint"], ["script", STATE],
            ["choose", "tusd-upload input", str(big)], ["line"],
            ["there", "tusd-upload .state:has-text('连接已断开')"], ["script", STATE], ["accessible"], ["line"],
            ["there", "tusd-upload li[data-state=sent]"], ["script", STATE],
            ["named", "button", "移除 big.bin"], ["script", STATE],
            ["choose", "tusd-upload input", str(bad)],
            ["there", "tusd-upload li[data-state=refused]"], ["script", STATE], ["accessible"],
            # An element of a page has this method already.
            ["script", "document.querySelector('tusd-upload').remove()"],
            answers=answers,
        ) as visit,
    ):  # fmt: skip
        before = restarted_in_the_middle(server, visit)
        seen = visit.seen()
        # What had arrived was not sent again.
        assert metrics(server.url)["tusd_received_bytes_total"] + before == SIZE
    assert [each["violations"] for each in seen if "violations" in each] == [[], []]
    states = [each["returned"] for each in seen if isinstance(each.get("returned"), dict)]
    empty, broken, sent, removed, refused = states
    assert empty == {"is": True, "said": [], "valid": False, "message": "请选择文件。", "sent": []}
    assert broken == {**empty, "message": "请等待文件上传完成。"}
    ended = {**empty, "said": ["success", "complete"]}
    assert sent == {**ended, "valid": True, "message": "", "sent": ["report"]}
    assert removed == ended
    said = [*ended["said"], "error", "complete"]
    assert refused == {**ended, "said": said, "message": "有文件未上传：请移除或重试。"}
