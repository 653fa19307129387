"""Make the corpus again with the programs that write such files: see README.md beside this file.

It writes ``corpus.zip``: ``manifest.json`` and the bytes of each file. A file that is longer than
twice ``KEPT_BYTES`` is cut: its first and its last bytes stay, and zeros stand between them.
"""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from file_types.inputs import make_inputs
from file_types.makers import ALL
from file_types.sample import Sample

TARGET: Final = Path(__file__).with_name("corpus.zip")
KEPT_BYTES: Final = 1 << 16
_VERSIONS: Final = {
    "ffmpeg": "ffmpeg -version", "ffmpeg and id3": "ffmpeg -version", "ImageMagick": "convert -version",
    "LibreOffice": "soffice --version", "pandoc": "pandoc --version", "sox": "sox --version",
    "Inkscape": "inkscape --version", "Ghostscript": "gs --version", "groff": "groff --version",
    "7-Zip": "7z | sed -n 2p", "zip": "zip -v | sed -n 2p", "tar": "tar --version",
    "sqlite3": "sqlite3 --version", "go": "go version", "gcc": "gcc --version", "javac": "javac -version",
    "jar": "jar --version",
    "keytool": "java --version", "openssl": "openssl version", "qemu-img": "qemu-img --version",
    "FontForge": "fontforge --version 2> /dev/null", "Python": "$PY --version",
    **{
        package: f"$PY -m pip show {package} 2> /dev/null | sed -n 2p"
        for package in (
            "Pillow", "openpyxl", "python-docx", "python-pptx", "xlwt", "msoffcrypto-tool", "odfpy",
            "tifffile", "pillow-heif", "h5py", "pyarrow", "fastavro", "numpy", "pysam", "fonttools",
            "trimesh", "ezdxf", "mido", "brotli", "wheel", "distlib",
        )
    },
    **{
        program: f"dpkg-query -W -f '${{Version}}' {package}"
        for program, package in {
            "heif-enc": "libheif-examples", "avifenc": "libavif-bin", "cwebp": "webp",
            "cjxl": "libjxl-tools", "OpenJPEG": "libopenjp2-tools", "exiftool": "libimage-exiftool-perl",
            "c44": "djvulibre-bin", "lame": "lame", "flac": "flac", "opusenc": "opus-tools",
            "oggenc": "vorbis-tools", "wavpack": "wavpack", "abc2midi": "abcmidi", "gzip": "gzip",
            "bzip2": "bzip2", "xz": "xz-utils", "zstd": "zstd", "lz4": "lz4", "lzip": "lzip",
            "lzop": "lzop", "compress": "ncompress", "arj": "arj", "gcab": "gcab", "cpio": "cpio",
            "ar": "binutils", "dpkg-deb": "dpkg", "rpmbuild": "rpm", "genisoimage": "genisoimage",
            "mksquashfs": "squashfs-tools", "mke2fs": "e2fsprogs", "mkfs.fat": "dosfstools",
            "ncgen": "netcdf-bin", "gpg": "gnupg", "mktorrent": "mktorrent", "msgfmt": "gettext",
            "wat2wasm": "wabt", "diff": "diffutils",
        }.items()
    },
}  # fmt: skip
"""A line for the shell that prints the version of each program."""


def main() -> None:
    """Make all files, or those whose names are given, and report what failed."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        environment = {**os.environ, "B": folder, "PY": sys.executable}
        make_inputs(base, environment)
        with ThreadPoolExecutor(2) as pool:
            contents = list(pool.map(lambda each: _made(each, base, environment), ALL))
        versions = {each.program: _version(each.program, environment) for each in ALL}
    failed = [each.name for each, content in zip(ALL, contents, strict=True) if content is None]
    if failed:
        sys.exit(f"not made: {', '.join(failed)}")
    _write([(each, content or b"") for each, content in zip(ALL, contents, strict=True)], versions)


def _made(each: Sample, base: Path, environment: dict[str, str]) -> bytes | None:
    if not isinstance(each.make, str):
        return each.make()
    with tempfile.TemporaryDirectory(dir=base) as folder:
        target = Path(folder) / "made"
        ran = subprocess.run(
            each.make, shell=True, check=False, cwd=folder, env={**environment, "O": str(target)},
            capture_output=True, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if ran.returncode or not target.is_file():
            sys.stderr.write(f"{each.name}: {ran.returncode} {ran.stderr[-500:]}\n")
            return None
        return target.read_bytes()


def _version(program: str, environment: dict[str, str]) -> str:
    if program not in _VERSIONS:
        return ""
    ran = subprocess.run(
        _VERSIONS[program], shell=True, check=True, env=environment, capture_output=True, text=True
    )
    return (ran.stdout or ran.stderr).partition("\n")[0].strip()


def _write(made: list[tuple[Sample, bytes]], versions: dict[str, str]) -> None:
    rows = []
    with zipfile.ZipFile(TARGET, "w", zipfile.ZIP_LZMA) as archive:
        for number, (each, content) in enumerate(made):
            is_cut = len(content) > 2 * KEPT_BYTES
            rows.append({
                "name": each.name, "extensions": each.extensions, "declared": each.declared,
                "family": each.family, "program": each.program, "version": versions[each.program],
                "source": each.source, "size": len(content), "file": f"{number:03}",
            })  # fmt: skip
            kept = content[:KEPT_BYTES] + content[-KEPT_BYTES:] if is_cut else content
            archive.writestr(f"{number:03}", kept)
        archive.writestr("manifest.json", json.dumps(rows, ensure_ascii=False, indent=1))
    sys.stdout.write(f"{len(rows)} files, {TARGET.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
