"""Fuzz one target with atheris (coverage-guided): ``campaign.py NAME SECONDS FOLDER``.

Inputs that widen the coverage are kept in FOLDER. The exit code is 0 when nothing was found; an
input that does harm is written to FOLDER as ``crash-*`` (or ``timeout-*``, ``oom-*``).
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["tusd_py", "python_multipart", "jwt"]):
    from fuzz.targets import TARGETS


def main() -> None:
    name, seconds, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    target = TARGETS[name]
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (folder / f"seed-{number}").write_bytes(seed)
    for found, content in target.corpus(name):
        (folder / found).write_bytes(content)
    atheris.Setup(
        [
            sys.argv[0], f"-max_total_time={seconds}", "-timeout=5", "-rss_limit_mb=1024",
            "-max_len=8192", f"-artifact_prefix={folder}/", "-print_final_stats=1", str(folder),
        ],
        target.run,
    )  # fmt: skip
    atheris.Fuzz()


if __name__ == "__main__":
    main()
