"""Makes the renditions of a picture. The original stays the main object if no other is wanted."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from tusd_py.domain.errors import OutOfResources, StorageFull
from tusd_py.domain.notes import Note
from tusd_py.domain.rendition import WEB, ProducedFile
from tusd_py.domain.task import INSPECTED_PROGRESS, TEXT_PICTURE, TaskStatus
from tusd_py.private_files import make_private_directory
from tusd_py.worker.images.facts import PictureFacts
from tusd_py.worker.images.jxl import decode_jxl
from tusd_py.worker.images.making import Rendered, look, render
from tusd_py.worker.images.plan import MEDIA_TYPES, plan_renditions
from tusd_py.worker.images.program import PictureProgram
from tusd_py.worker.images.strip import WRITABLE, strip_tags
from tusd_py.worker.media.causes import Blame, ToolFailed, cause_of_overrun
from tusd_py.worker.media.memory import memory_ceiling
from tusd_py.worker.media.run import LimitExceeded, Stopped
from tusd_py.worker.media.sandbox import Limits, Sandbox
from tusd_py.worker.pipeline.attempt import Attempt
from tusd_py.worker.pipeline.produced import Produced

READ: Final = ("jpeg", "png", "gif", "webp", "avif", "heic", "tiff", "bmp", "jp2", "j2k", "jxl")
"""Names of the types that are read. Raw files of cameras, PSD, SVG and PDF are never rendered."""
SPARE_BYTES: Final = 64 << 20
"""By this, what is made of a picture may be larger than the picture."""
DECODED_BYTES: Final = 1 << 30
THREADS: Final = 2
MOST_MEMORY: Final = 3 << 30
"""Most memory of the program. It decodes a HEIC picture as a whole: 12 megapixels take 187 MB."""


def make_picture(attempt: Attempt) -> Produced:
    """Make the renditions that the settings want of a picture, and remove unwanted tags.

    Raises: ToolFailed: the work may be tried again; OutOfResources; LeaseLost, WorkerStopping.
    """
    kind = attempt.file_type.name if attempt.file_type is not None else ""
    if not attempt.profile.image.enabled or kind not in READ:
        return Produced()
    attempt.reporter.report(TaskStatus.PROCESSING, INSPECTED_PROGRESS, TEXT_PICTURE)
    making = _Making(attempt, kind)
    produced, note = _tried(attempt, making.rendered)
    if note is not None:
        produced = Produced(notes=(note,))
    stripped, note = _tried(attempt, lambda: making.stripped(produced))
    if note is not None:
        return replace(produced, notes=(*produced.notes, Note.TAGS_NOT_REMOVED))
    return stripped


def _tried(attempt: Attempt, work: Callable[[], Produced]) -> tuple[Produced, Note | None]:
    """Return the result of the work, or an empty result and the note that gives the reason.

    Raises: ToolFailed: the file is not the cause, and the work may be tried again; OutOfResources,
        LeaseLost.
    """
    try:
        return work(), None
    except Stopped:
        attempt.lease.check()
        raise OutOfResources("The worker's disk is full.") from None
    except LimitExceeded as error:
        failed = ToolFailed(cause_of_overrun(error))
    except ToolFailed as error:
        failed = error
    attempt.lease.check()
    blame = failed.cause.blame
    is_last = blame in (Blame.FILE, Blame.LIMIT) or attempt.checkpoint.program_failed
    if blame is Blame.DEPLOYMENT or not is_last:
        raise failed
    attempt.metrics.program_failed(failed.cause.value)
    return Produced(), failed.cause.note


class _Making:
    """Makes the renditions of one picture in the folders of the attempt."""

    def __init__(self, attempt: Attempt, kind: str) -> None:
        try:
            attempt.ports.space.check(attempt.job.file_size + SPARE_BYTES)
        except StorageFull as error:
            raise OutOfResources("The worker's disk is too full for this picture.") from error
        self._attempt = attempt
        self._kind = kind
        self._settings = attempt.profile.image
        self._program = PictureProgram(clock=attempt.clock, stopped=self._stopped)
        make_private_directory(attempt.work_dir)

    def _stopped(self) -> bool:
        return self._attempt.lease.ended() or self._attempt.ports.space.is_short()

    def _folder(self, name: str) -> Path:
        folder = self._attempt.work_dir / name
        folder.mkdir(mode=0o700)
        return folder

    def _box(self, source: Path, output: Path | None) -> Sandbox:
        media = self._attempt.settings.media
        return Sandbox(
            kind=self._attempt.tools.sandbox,
            source=source,
            output=output,
            limits=Limits(
                memory=min(
                    MOST_MEMORY, memory_ceiling(media, slots=self._attempt.settings.workers)
                ),
                file_size=self._attempt.job.file_size + SPARE_BYTES,
                cpu=self._settings.cpu_seconds,
                threads=1 if self._attempt.checkpoint.program_failed else THREADS,
            ),
        )

    def rendered(self) -> Produced:
        """Make the renditions. Raises: ToolFailed, CpuTimeExceeded, Stopped, OSError."""
        attempt, settings = self._attempt, self._settings
        source, kind = attempt.source, self._kind
        if kind == "jxl":
            if attempt.tools.ffmpeg is None:
                return Produced()
            source, kind = self._decoded(), "png"
        facts = look(self._program, self._box(source, None), kind, settings)
        wanted = plan_renditions(facts, self._kind, attempt.job.file_size, settings)
        if not wanted:
            return Produced(facts=facts.shown())
        box, made = self._box(source, self._folder("out")), self._folder("made")
        return self._sorted(render(self._program, box, kind, wanted, settings, target=made), facts)

    def _decoded(self) -> Path:
        attempt = self._attempt
        target = attempt.work_dir / "decoded.png"
        box = self._box(attempt.source, self._folder("decoded"))
        decode_jxl(
            attempt.tools.ffmpeg or "",
            self._program,
            replace(box, limits=replace(box.limits, file_size=DECODED_BYTES)),
            self._settings.max_pixels,
            target=target,
        )
        return target

    def _sorted(self, rendered: Iterable[Rendered], facts: PictureFacts) -> Produced:
        """Return the web copy, if one is wanted and is a gain, and the renditions."""
        web: ProducedFile | None = None
        others, notes = [], []
        for one in rendered:
            if one.wanted.name != WEB:
                others.append(self._made(one))
            elif self._settings.watermark.wanted or self._is_gain(one):
                web = self._made(one)
            else:
                notes.append(Note.NO_GAIN)
        return Produced(web=web, others=tuple(others), facts=facts.shown(), notes=tuple(notes))

    def _is_gain(self, one: Rendered) -> bool:
        media = self._attempt.settings.media
        return one.size < media.gain_ratio * self._attempt.job.file_size

    def _made(self, one: Rendered) -> ProducedFile:
        media_type, extension = MEDIA_TYPES[one.wanted.format]
        return self._attempt.made(
            one.wanted.name,
            one.path,
            content_type=media_type,
            ext=extension,
            facts={
                "width": one.facts.width,
                "height": one.facts.height,
                "frames": one.facts.frames,
            },
        )

    def stripped(self, produced: Produced) -> Produced:
        """Remove unwanted tags from the web copy, or from the file itself if there is no web copy.

        Raises: ToolFailed, CpuTimeExceeded, Stopped, OSError.
        """
        attempt, policy, web = self._attempt, self._settings.metadata, produced.web
        media_type = attempt.checkpoint.content_type if web is None else web.content_type
        kind = self._kind if web is None else media_type.removeprefix("image/")
        if policy == "keep" or kind not in WRITABLE:
            return produced
        target = attempt.work_dir / "stripped"
        box = self._box(
            attempt.source if web is None else attempt.output(web), self._folder("tags")
        )
        strip_tags(
            attempt.tools.exiftool or "exiftool",
            self._program,
            box,
            kind,
            policy,
            target=target,
        )
        made = attempt.made(
            WEB,
            target,
            content_type=media_type,
            ext=attempt.checkpoint.ext if web is None else web.ext,
            facts={} if web is None else web.facts,
        )
        # The copy carries all that the file has, except the tags that must not be there.
        return replace(produced, web=made, is_equal=web is None)
