"""Build the image of ``deploy/docker/Dockerfile``, without a registry where none is reachable."""

import ast
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from support.deploy_files import DOCKERFILE, ROOT
from support.podman import Podman, run

IMAGE: Final = "localhost/tusd-py:latest"
_BUNDLE: Final = "/etc/pip-authorities.pem"
_INDEX_OPTIONS: Final = (
    "index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "default-timeout",
)  # fmt: skip
_BASE_PACKAGES: Final = (
    "ca-certificates", "python-is-python3", "python3-dev", "python3-pip", "python3-venv",
)  # fmt: skip
"""What the image of Python that the Dockerfile names has beside the smallest Debian."""


def base_image(podman: Podman) -> str:
    """Return the base that the Dockerfile names, or one made from this machine's packages.

    Raises: CalledProcessError: neither a registry nor a mirror of Debian is reachable.
    """
    found = re.search(r"^ARG BASE=(\S+)$", DOCKERFILE.read_text("utf-8"), re.MULTILINE)
    assert found is not None
    named = f"docker.io/library/{found[1]}"
    try:
        podman.podman("pull", "--quiet", named)
    except subprocess.CalledProcessError:
        return _bootstrapped(podman)
    return named


def build(podman: Podman, base: str) -> None:
    """Build the image on a base; pip reaches its index as it does on this machine."""
    mounts = [f"--volume={ours}:{path}:ro" for ours, path in _pip_files(podman.folder).items()]
    podman.buildah(
        "build", "--isolation=chroot", "--format=docker", f"--build-arg=BASE={base}", *mounts,
        f"--file={DOCKERFILE}", f"--tag={IMAGE}", str(ROOT),
    )  # fmt: skip


def _bootstrapped(podman: Podman) -> str:
    suite, name = platform.freedesktop_os_release()["VERSION_CODENAME"], "localhost/base:latest"
    root, archive = podman.folder / "base", podman.folder / "base.tar"
    included = f"--include={','.join(_BASE_PACKAGES)}"
    run(["debootstrap", "--variant=minbase", included, suite, str(root), _mirror(suite)])
    run(["tar", "--create", f"--file={archive}", f"--directory={root}", "."])
    podman.podman("import", "--quiet", str(archive), name)
    archive.unlink()
    run(["rm", "--recursive", "--one-file-system", str(root)])
    return name


def _mirror(suite: str) -> str:
    """Return the address from which this machine has the packages of a release."""
    listed = run(
        ["apt-get", "indextargets", "--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)",
         "Created-By: Packages"]
    )  # fmt: skip
    found = re.search(rf"^{re.escape(suite)} main (\S+)$", listed, re.MULTILINE)
    assert found is not None, f"apt has no source of {suite} main"
    return found[1]


def _pip_files(folder: Path) -> dict[Path, str]:
    """Write how this machine's pip reaches its index; return our files and their places."""
    listed = run([sys.executable, "-m", "pip", "config", "list"])
    # The environment is listed first, and has the last word.
    options = {
        name: str(ast.literal_eval(value))
        for name, value in reversed(re.findall(r"^.+?\.([a-z-]+)=('.*')$", listed, re.MULTILINE))
    }
    wanted = {name: options[name] for name in _INDEX_OPTIONS if name in options}
    files = {folder / "pip.conf": "/etc/pip.conf"}
    bundle = options.get("cert") or os.environ.get("SSL_CERT_FILE")
    if bundle:
        files[Path(bundle)] = wanted["cert"] = _BUNDLE
    lines = [f"{name} = {value.replace(chr(10), chr(10) + ' ')}" for name, value in wanted.items()]
    (folder / "pip.conf").write_text("\n".join(["[global]", *lines, ""]))
    return files
