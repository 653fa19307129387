"""The import contracts cover every package, and a new one from its first day."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
PROJECT = Path(__file__).parents[2]
PLANTED = {
    "tusd_py/hooks/webhook.py": "import pika",
    "tusd_py/auth/session.py": "import pika",
    "tusd_py/rate_limits/port.py": "import pika",
    "tusd_py/client/file_upload.py": "import pika",
    "tusd_py/worker/consumer.py": "import pika",
    "tusd_py/hooks/payload.py": "import sqlalchemy",
    "tusd_py/worker/clamd.py": "import redis",
    "tusd_py/monitoring/probes.py": "import tusd_py.http.context",
    "tusd_py/uploads/append.py": "import tusd_py.storage.disk",
    "tusd_py/http/context.py": "import tusd_py.worker.app",
}


def broken_contracts(project: Path) -> str:
    """Return what import-linter says of a project with broken contracts; '' if all are kept."""
    script = (
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=project, env={"PYTHONPATH": str(project)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return ran.stdout if ran.returncode else ""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the product and its contracts."""
    ignored = shutil.ignore_patterns("__pycache__", "built", "source")
    shutil.copytree(PROJECT / "tusd_py", tmp_path / "tusd_py", ignore=ignored)
    shutil.copy(PROJECT / ".importlinter", tmp_path)
    return tmp_path


def test_an_import_that_a_contract_forbids_is_found_in_every_package(project: Path) -> None:
    assert not broken_contracts(project)
    for name, statement in PLANTED.items():
        path = project / name
        path.write_text(f"{path.read_text()}\n{statement}\n")
    said = broken_contracts(project)
    for name, statement in PLANTED.items():
        importer = name.removesuffix(".py").replace("/", ".")
        imported = statement.removeprefix("import ")
        assert f"{importer} -> {imported}" in said, name


def test_a_new_package_needs_a_layer_and_may_import_no_sdk(project: Path) -> None:
    new = project / "tusd_py" / "novelty"
    new.mkdir()
    (new / "__init__.py").write_text("import pika\n")
    said = broken_contracts(project)
    assert "- tusd_py.novelty\n" in said
    assert "tusd_py.novelty -> pika" in said
