"""Extracts the picture in a sound file and makes a thumbnail of it."""

from dataclasses import dataclass
from typing import Final

from tusd_py.domain.filetypes import JPEG, PNG
from tusd_py.domain.notes import Note
from tusd_py.domain.rendition import ProducedFile
from tusd_py.domain.signatures.identify import identify
from tusd_py.file_pieces import look_into
from tusd_py.private_files import make_private_directory
from tusd_py.worker.images.making import render
from tusd_py.worker.images.plan import MEDIA_TYPES, THUMBNAIL, Wanted
from tusd_py.worker.images.program import PictureProgram
from tusd_py.worker.media.causes import ToolFailed
from tusd_py.worker.media.contents import Contents, Stream
from tusd_py.worker.media.position import Position
from tusd_py.worker.media.run import LimitExceeded, Stopped
from tusd_py.worker.media.sandbox import Sandbox
from tusd_py.worker.media.sound_argv import PLAIN_COVERS, cover_argv
from tusd_py.worker.media.sound_choice import cover_of
from tusd_py.worker.pipeline.attempt import Attempt
from tusd_py.worker.pipeline.second_try import final_note
from tusd_py.worker.pipeline.sound_run import DRAFT, SoundRun

COVER: Final = "cover"
SPARE_BYTES: Final = 64 << 20
"""By this, a cover may be larger than the sound file when it is encoded again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """Holds what was made of a sound's picture."""

    index: int | None = None
    """Number of the picture's stream, if a copy of the sound may carry it."""
    made: tuple[ProducedFile, ...] = ()
    notes: tuple[Note, ...] = ()


def take_cover(attempt: Attempt, run: SoundRun, contents: Contents) -> Cover:
    """Extract the cover of a sound, if it has one and the settings want it.

    Raises: ToolFailed: the work may be tried again; OutOfResources, LeaseLost, WorkerStopping.
    """
    stream, settings = cover_of(contents), attempt.profile.audio
    if stream is None:
        return Cover()
    keeps = settings.metadata == "keep"
    index = stream.index if keeps and stream.codec in PLAIN_COVERS else None
    if not settings.cover:
        return Cover(index=index)
    try:
        made = _taken(attempt, run, stream, copies=keeps)
    except ToolFailed as error:
        final_note(attempt, error)
        made = None
    if made is None:
        return Cover(notes=(Note.NO_COVER,))
    thumbnail = _thumbnail(attempt, run, made)
    return Cover(index=index, made=(made, *thumbnail))


def _taken(attempt: Attempt, run: SoundRun, stream: Stream, *, copies: bool) -> ProducedFile | None:
    """Return the picture; None if its type is not as stated. Raises: as ``take_cover``."""
    path = attempt.work_dir / COVER

    def argv(box: Sandbox) -> list[str]:
        return cover_argv(
            attempt.tools.ffmpeg or "",
            stream,
            source=box.source_seen,
            output=box.output_seen(DRAFT),
            demuxer=attempt.demuxer,
            max_pixels=attempt.settings.media.max_pixels,
            copies=copies,
        )

    largest = attempt.job.file_size + SPARE_BYTES
    run.write(argv, path, largest=largest, on_line=Position().on_line)
    kind = identify(look_into(path))
    if kind is not (JPEG if stream.codec == "mjpeg" else PNG):
        return None
    facts = {"width": stream.width, "height": stream.height} if stream.width else {}
    return attempt.made(
        COVER, path, content_type=kind.mime, ext=f".{kind.extensions[0]}", facts=facts
    )


def _thumbnail(attempt: Attempt, run: SoundRun, cover: ProducedFile) -> tuple[ProducedFile, ...]:
    """Return a small copy of the cover, if thumbnails are wanted and it can be made.

    Raises: LeaseLost, WorkerStopping, OSError.
    """
    settings = attempt.profile.image
    if not settings.enabled or not settings.thumbnail_size:
        return ()
    wanted = Wanted(
        name=THUMBNAIL,
        format="webp",
        side=settings.thumbnail_size,
        quality=settings.quality,
        animated=False,
        marked=False,
    )
    output, target = attempt.work_dir / "thumbnail-out", attempt.work_dir / "thumbnail"
    for folder in (output, target):
        make_private_directory(folder)
    box = run.box(attempt.output(cover), output, largest=SPARE_BYTES)
    program = PictureProgram(clock=attempt.clock, stopped=run.stopped)
    kind = "jpeg" if cover.content_type == JPEG.mime else "png"
    try:
        (done,) = render(program, box, kind, (wanted,), settings, target=target)
    except (ToolFailed, LimitExceeded, Stopped):
        attempt.lease.check()
        return ()
    media_type, ext = MEDIA_TYPES["webp"]
    facts = {"width": done.facts.width, "height": done.facts.height}
    return (attempt.made(THUMBNAIL, done.path, content_type=media_type, ext=ext, facts=facts),)
