"""What a film, a picture or a sound shows and sounds like, by decoding it."""

import json
import re
import statistics
import struct
import subprocess
from collections.abc import Callable
from dataclasses import astuple, dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from media.cases import Case
from media.scene import BEEP_SECONDS, FLASH, GREYS, HEIGHT, SPOTS, WIDTH, Colour

SECONDS: Final = 240
SOUND_RATE: Final = 16000
STEP: Final = SOUND_RATE // 200
"""Samples in 5 ms, over which loudness is measured."""
TINY: Final = 16
"""Films of fewer dots have no room for the scene."""
HD_LINES: Final = 720
"""Chromium takes an untagged film of this height or more for BT.709, a lower one for BT.601
(media/ffmpeg/ffmpeg_common.cc)."""


def run(*argv: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end and return what it wrote, whatever its exit code is."""
    return subprocess.run(
        [str(word) for word in argv], capture_output=True, stdin=subprocess.DEVNULL,
        timeout=SECONDS, check=False,
    )  # fmt: skip


@dataclass(frozen=True)
class Frames:
    """Decoded frames of one picture: the seconds of each, and when the box turns white."""

    times: tuple[float, ...]
    flashes: tuple[float, ...]

    @property
    def count(self) -> int:
        return len(self.times)

    @property
    def length(self) -> float:
        """Return the seconds from the first frame to the last."""
        return self.times[-1] - self.times[0] if self.times else 0.0


@dataclass(frozen=True)
class Sound:
    """One decoded sound: its length and where beeps begin in seconds, and their pitch in hertz."""

    length: float
    beeps: tuple[float, ...]
    hz: float
    loudest: float


class Media:
    """One file on the disk, examined by ffprobe and decoded by ffmpeg.

    Nothing is read before it is used. ``memo`` is a file that keeps the costly results of earlier
    runs, for files that never change.
    """

    def __init__(
        self, path: Path, *, picture: str = "0:V:0", sound: str = "0:a:0", memo: Path | None = None
    ) -> None:
        self.path = path
        self._memo = memo
        self._picture = picture
        self._sound = sound

    @cached_property
    def facts(self) -> dict[str, Any]:
        """Return ffprobe's facts; {} when it cannot read the file."""
        done = run(
            "ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams",
            "-show_chapters", "-show_programs", f"file:{self.path}",
        )  # fmt: skip
        found = json.loads(done.stdout or b"{}")
        return found if isinstance(found, dict) else {}

    def streams(self, kind: str) -> list[dict[str, Any]]:
        """Return the streams of this kind; covers are of the kind ``cover``."""
        found = []
        for stream in self.facts.get("streams", []):
            is_cover = stream.get("disposition", {}).get("attached_pic") == 1
            if ("cover" if is_cover else stream.get("codec_type")) == kind:
                found.append(stream)
        return found

    def packets(self, index: int) -> int:
        """Return how many packets a stream has, by reading them."""
        done = run(
            "ffprobe", "-v", "error", "-of", "csv=p=0", "-select_streams", str(index),
            "-count_packets",
            "-show_entries", "stream=nb_read_packets", f"file:{self.path}",
        )  # fmt: skip
        text = done.stdout.decode().strip().strip(",")
        return int(text) if text.isdecimal() else 0

    @property
    def format(self) -> str:
        return str(self.facts.get("format", {}).get("format_name", ""))

    @property
    def duration(self) -> float:
        return float(self.facts.get("format", {}).get("duration", 0) or 0)

    @cached_property
    def shown(self) -> dict[str, Any]:
        """Return the facts of the picture that is the content."""
        number = re.fullmatch(r"0:(?:v:)?(\d+)", self._picture)
        if number and ":v:" in self._picture:
            videos = [s for s in self.facts.get("streams", []) if s.get("codec_type") == "video"]
            return videos[int(number[1])] if int(number[1]) < len(videos) else {}
        if number:
            return next((s for s in self.facts["streams"] if s["index"] == int(number[1])), {})
        found = self.streams("video")
        return found[0] if found else {}

    @cached_property
    def turned(self) -> int:
        """Return the degrees by which the file's metadata turns it for display."""
        return next(
            (
                int(data["rotation"]) % 360
                for data in self.shown.get("side_data_list", ())
                if "rotation" in data
            ),
            0,
        )

    @cached_property
    def display_size(self) -> tuple[int, int]:
        """Return width and height as they are shown: with the aspect of its dots, turned."""
        width, height = int(self.shown.get("width", 0)), int(self.shown.get("height", 0))
        ratio = str(self.shown.get("sample_aspect_ratio", "1:1")).partition(":")
        if ratio[0].isdecimal() and ratio[2].isdecimal() and int(ratio[0]) and int(ratio[2]):
            across, down = int(ratio[0]), int(ratio[2])
            if across > down:
                width = round(width * across / down)
            else:
                height = round(height * down / across)
        return (height, width) if self.turned in (90, 270) else (width, height)

    def _kept(self, what: str, measure: Callable[[], Any]) -> Any:
        """Return a result of an earlier run, or measure now and keep it.

        Only plain values are kept.
        """
        if self._memo is None:
            return measure()
        known = json.loads(self._memo.read_text()) if self._memo.exists() else {}
        if what not in known:
            known[what] = measure()
            self._memo.write_text(json.dumps(known))
        return known[what]

    @cached_property
    def frames(self) -> Frames:
        """Decode the whole picture."""
        times, flashes = self._kept("frames", lambda: astuple(self._decoded()))
        return Frames(tuple(times), tuple(flashes))

    def _decoded(self) -> Frames:
        x, y, w, h = FLASH
        box = f"iw*{w}/{WIDTH}:ih*{h}/{HEIGHT}:iw*{x}/{WIDTH}:ih*{y}/{HEIGHT}"
        seen = f"crop={box}," if min(self.display_size) >= TINY else ""
        done = run(
            "ffmpeg", "-v", "error", "-nostdin", "-threads", "2", "-i", f"file:{self.path}",
            "-map", self._picture, "-vf",
            f"{seen}scale=16:16:flags=area,format=yuv420p,signalstats,"
            "metadata=print:key=lavfi.signalstats.YAVG:file=-",
            "-fps_mode", "passthrough", "-enc_time_base", "1:90000", "-f", "null", "-",
        )  # fmt: skip
        text = done.stdout.decode(errors="replace")
        times = [float(found) for found in re.findall(r"pts_time:(-?[\d.]+)", text)]
        lights = [float(found) for found in re.findall(r"YAVG=([\d.]+)", text)]
        flashes, lit = [], False
        bright = (max(lights, default=0) + min(lights, default=0)) / 2
        if lights and max(lights) - min(lights) > 60:
            for when, light in zip(times, lights, strict=False):
                if light > bright and not lit:
                    flashes.append(when)
                lit = light > bright
        return Frames(tuple(times), tuple(flashes))

    @cached_property
    def decoder_errors(self) -> int:
        """Return how many error messages a whole decode writes."""
        done = run(
            "ffmpeg", "-v", "error", "-nostdin", "-threads", "2", "-i", f"file:{self.path}",
            "-map", "0:v?", "-map", "0:a?", "-f", "null", "-",
        )  # fmt: skip
        return len(done.stderr.splitlines())

    @cached_property
    def matrix(self) -> str:
        """Return the matrix by which a browser turns this file into RGB."""
        tagged = {"bt709": "bt709", "smpte170m": "bt601", "bt470bg": "bt601", "bt2020nc": "bt2020"}
        stated = str(self.shown.get("color_space", ""))
        if stated in tagged:
            return tagged[stated]
        return "bt709" if int(self.shown.get("height", 0)) >= HD_LINES else "bt601"

    def spots(self, at: float = 1.2) -> dict[str, Colour]:
        """Return the mean colour of each spot in the frame at ``at`` seconds, as in a browser."""
        rgb = str(self.shown.get("pix_fmt", "")).startswith(
            ("rgb", "bgr", "gbr", "arg", "abg", "pal", "0")
        )
        matrix = "" if rgb else f":in_color_matrix={self.matrix}"
        done = run(
            "ffmpeg", "-v", "error", "-nostdin", "-ss", str(at), "-i", f"file:{self.path}",
            "-map", self._picture, "-frames:v", "1", "-vf",
            f"scale={WIDTH}:{HEIGHT}:flags=area+accurate_rnd+full_chroma_int{matrix},format=rgb24",
            "-f", "rawvideo", "-",
        )  # fmt: skip
        if len(done.stdout) < WIDTH * HEIGHT * 3:
            return self.spots(0.0) if at else {}
        return spots_of(done.stdout)

    @cached_property
    def sounds(self) -> list[Sound]:
        """Decode every sound."""
        return [
            self._decoded_sound(f"0:a:{number}") for number in range(len(self.streams("audio")))
        ]

    @cached_property
    def sound(self) -> Sound | None:
        """Decode the sound that is the content; None when there is none."""
        if not self.streams("audio"):
            return None
        length, beeps, hz, loudest = self._kept(
            "sound", lambda: astuple(self._decoded_sound(self._sound))
        )
        return Sound(length, tuple(beeps), hz, loudest) if length else None

    def _decoded_sound(self, spec: str) -> Sound:
        done = run(
            "ffmpeg", "-v", "error", "-nostdin", "-i", f"file:{self.path}", "-map", spec,
            "-af", f"aresample={SOUND_RATE}:async=1:first_pts=0,pan=mono|c0=c0",
            "-f", "s16le", "-",
        )  # fmt: skip
        samples = struct.unpack(
            f"<{len(done.stdout) // 2}h", done.stdout[: len(done.stdout) // 2 * 2]
        )
        return sound_of(samples)

    @cached_property
    def fields(self) -> float:
        """Return the share of frames, 0 to 1, that look like two fields in one (ffmpeg's idet)."""
        done = run(
            "ffmpeg", "-v", "info", "-nostdin", "-i", f"file:{self.path}", "-map", self._picture,
            "-vf", "idet", "-f", "null", "-",
        )  # fmt: skip
        text = done.stderr.decode(errors="replace")
        found = re.search(
            r"Multi frame detection: TFF:\s*(\d+) BFF:\s*(\d+) Progressive:\s*(\d+)", text
        )
        if not found:
            return 0.0
        top, bottom, progressive = (int(number) for number in found.groups())
        return (top + bottom) / max(1, top + bottom + progressive)

    @cached_property
    def is_fast_start(self) -> bool:
        """Return whether an MP4's index stands before its data."""
        with self.path.open("rb") as file:
            at, kinds = 0, []
            while len(head := file.read(8)) == 8:
                size, kind = struct.unpack(">I4s", head)
                if size == 1:
                    (size,) = struct.unpack(">Q", file.read(8))
                kinds.append(kind)
                at += size
                if size < 8:
                    break
                file.seek(at)
        return b"moov" in kinds and b"mdat" in kinds and kinds.index(b"moov") < kinds.index(b"mdat")

    def summary(self) -> str:
        """Return the facts in a few words."""
        words = [self.format.split(",")[0] or "unreadable"]
        for stream in self.facts.get("streams", []):
            kind, codec = stream.get("codec_type"), stream.get("codec_name", "?")
            if kind == "video":
                size = f"{stream.get('width')}x{stream.get('height')}"
                tag = stream.get("color_transfer", "")
                deep = stream.get("pix_fmt", "")
                words.append(
                    f"{codec} {size}{'' if deep in ('yuv420p', 'yuvj420p') else ' ' + deep}"
                    f"{' ' + tag if tag in ('smpte2084', 'arib-std-b67') else ''}"
                )
            elif kind == "audio":
                language = stream.get("tags", {}).get("language", "und")
                known = "" if language == "und" else f" {language}"
                words.append(f"{codec} {stream.get('channels')}ch{known}")
            else:
                words.append(str(codec if codec != "?" else stream.get("codec_tag_string", kind)))
        if chapters := self.facts.get("chapters"):
            words.append(f"{len(chapters)} chapters")
        return ", ".join(words)


def spots_of(rgb: bytes) -> dict[str, Colour]:
    """Return the mean colour of each spot in ``WIDTH`` by ``HEIGHT`` dots of RGB."""
    found = {}
    for name, ((x, y, w, h), _) in SPOTS.items():
        total = [0, 0, 0]
        rows = range(y + h // 3, y + h - h // 3)
        columns = range(x + w // 3, x + w - w // 3)
        for row in rows:
            for column in columns:
                at = (row * WIDTH + column) * 3
                for channel in range(3):
                    total[channel] += rgb[at + channel]
        count = len(rows) * len(columns)
        found[name] = (round(total[0] / count), round(total[1] / count), round(total[2] / count))
    return found


def sound_of(samples: tuple[int, ...]) -> Sound:
    """Return length, beeps and pitch of samples at ``SOUND_RATE``."""
    loud = [
        max((abs(value) for value in samples[at : at + STEP]), default=0)
        for at in range(0, len(samples), STEP)
    ]
    loudest = max(loud, default=0)
    beeps: list[float] = []
    silent_since = 0.0
    if loudest > 300:
        for number, level in enumerate(loud):
            if level > loudest * 0.45:
                if number * STEP / SOUND_RATE - silent_since > BEEP_SECONDS / 2 or (
                    not beeps and number
                ):
                    beeps.append(_onset(samples, number, loudest) / SOUND_RATE)
                silent_since = (number + 1) * STEP / SOUND_RATE
    hz = 0.0
    if beeps:
        start = int((beeps[0] + 0.02) * SOUND_RATE)
        part = samples[start : start + SOUND_RATE // 20]
        crossings = sum(1 for a, b in pairwise(part) if a < 0 <= b)
        hz = crossings * SOUND_RATE / max(1, len(part))
    return Sound(len(samples) / SOUND_RATE, tuple(beeps), hz, loudest / 32768)


def _onset(samples: tuple[int, ...], step: int, loudest: int) -> int:
    for at in range(step * STEP, min(len(samples), (step + 1) * STEP)):
        if abs(samples[at]) > loudest * 0.4:
            return at
    return step * STEP


def furthest(seen: dict[str, Colour], wanted: dict[str, Colour]) -> tuple[int, str]:
    """Return by how much the worst channel of the worst spot differs, and a sentence about it."""
    worst, sentence = 0, ""
    for name, colour in wanted.items():
        got = seen.get(name)
        if got is None:
            return 255, "no frame could be decoded"
        far = max(abs(a - b) for a, b in zip(got, colour, strict=True))
        if far > worst:
            worst, sentence = far, f"{name} {colour} is {got}"
    return worst, sentence


def greys_of(seen: dict[str, Colour]) -> list[int]:
    """Return the four steps of grey, dark to light."""
    return [round(statistics.mean(seen[name])) if name in seen else 0 for name in GREYS]


@dataclass(kw_only=True)
class Rendition:
    """One rendition as the server lists it, and its bytes on the disk."""

    name: str
    path: Path
    facts: dict[str, Any]
    disposition: str = ""


@dataclass(kw_only=True)
class Seen:
    """What became of one file. ``states`` are the lines of ``tusd-py upload --json``."""

    case: Case
    sent: Media
    states: list[dict[str, Any]]
    web: Media | None = None
    """The answer to ``GET`` of the upload; None when there was none."""
    disposition: str = ""
    main: dict[str, Any] = field(default_factory=dict)
    """The web copy as the server lists it."""
    renditions: dict[str, Rendition] = field(default_factory=dict)
    """The renditions besides the web copy and the original."""
    notes: list[str] = field(default_factory=list)
    played: dict[str, Any] | None = None
    """What Chromium showed."""

    @property
    def last(self) -> dict[str, Any]:
        return self.states[-1] if self.states else {}

    @property
    def message(self) -> str:
        return str(self.last.get("message", ""))

    @cached_property
    def is_as_sent(self) -> bool:
        """Return whether the web copy is byte for byte what was sent."""
        return self.web is not None and same_bytes(self.web.path, self.sent.path)


def same_bytes(one: Path, other: Path) -> bool:
    """Return whether two files have the same BLAKE3 hash."""
    from blake3 import blake3

    if one.stat().st_size != other.stat().st_size:
        return False
    return bool(blake3(one.read_bytes()).digest() == blake3(other.read_bytes()).digest())
