"""Makes the renditions of a film besides its web copy: stills, storyboard, subtitles, HLS."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

from tusd_py.domain.notes import Note
from tusd_py.domain.rendition import ProducedFile
from tusd_py.domain.task import (
    COMPRESSED_PROGRESS,
    INSPECTED_PROGRESS,
    TEXT_COMPRESSED,
    TEXT_COMPRESSING,
    TaskStatus,
)
from tusd_py.worker.film_renditions import hls, storyboard
from tusd_py.worker.film_renditions.film import Film
from tusd_py.worker.film_renditions.hls import (
    Ladder,
    Rung,
    ladder_cpu,
    master_playlist,
    plan_ladder,
)
from tusd_py.worker.film_renditions.poster import Still, make_poster, make_thumbnail
from tusd_py.worker.film_renditions.stills import has_true_colours
from tusd_py.worker.film_renditions.subtitles import make_subtitles
from tusd_py.worker.film_renditions.webvtt import EXT, MEDIA_TYPE
from tusd_py.worker.film_renditions.workshop import RenditionFailed, Workshop
from tusd_py.worker.media.budget import allowed_cpu, estimated_cpu
from tusd_py.worker.media.choose import choose
from tusd_py.worker.media.probe import summary
from tusd_py.worker.media.run import Stopped
from tusd_py.worker.pipeline.attempt import Attempt
from tusd_py.worker.pipeline.film_run import LARGER, SPARE_BYTES
from tusd_py.worker.pipeline.ladder import share_of_web
from tusd_py.worker.pipeline.produced import Produced

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST_CPU_SECONDS: Final = 60.0
"""Processor time that all renditions of one film may use together, those for HLS excluded.

The poster and the storyboard of two hours in 1080p took 14 s.
"""
DEMUXERS: Final = {".mp4": "mov", ".webm": "matroska"}
"""Demuxers of web copies, by their extension."""

HOPELESS: Final = frozenset(
    {
        Note.PROTECTED, Note.EMPTY, Note.UNSUPPORTED, Note.PICTURE_TOO_LARGE,
        Note.OUT_OF_MEMORY, Note.PROCESSING_INTERRUPTED, Note.PROCESSING_HUNG,
    }
)  # fmt: skip
"""Notes after which decoding the film again would fail in the same way."""


def with_renditions(attempt: Attempt, produced: Produced) -> Produced:
    """Make the renditions of a film, and return them together with what was made before.

    A rendition that can't be made is left out; neither the task nor the web copy fails for it.
    Raises: LeaseLost, WorkerStopping.
    """
    if not HOPELESS.isdisjoint(produced.notes):
        return produced
    renditions = _Renditions(attempt)
    film = renditions.film(produced.web)
    if film is None:
        return produced
    others = (*produced.others, *renditions.of(film))
    if produced.web is not None:
        attempt.reporter.report(TaskStatus.COMPRESSING, COMPRESSED_PROGRESS, TEXT_COMPRESSED)
    return replace(produced, others=others)


class _Renditions:
    """Makes the renditions of one film in one attempt."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._video = attempt.profile.video
        media = attempt.settings.media
        self._allowed = allowed_cpu(media, attempt.job.file_size)
        self._workshop = self._workshop_for(min(MOST_CPU_SECONDS, self._allowed))

    def _workshop_for(self, cpu: float) -> Workshop:
        attempt = self._attempt
        media, space = attempt.settings.media, attempt.ports.space
        return Workshop(
            tools=attempt.tools,
            clock=attempt.clock,
            stopped=lambda: attempt.lease.ended() or space.is_short(),
            folder=attempt.work_dir,
            share=lambda pixels: attempt.share(pixels, media.preset),
            stall_seconds=media.stall_timeout,
            cpu_left=cpu,
        )

    def film(self, web: ProducedFile | None) -> Film | None:
        """Return the film of which renditions are made; None if it can't be read.

        It is the web copy, whose colours are known to be right and which is decoded quickly, or
        else the original.
        """
        attempt = self._attempt
        path = attempt.source if web is None else attempt.output(web)
        demuxer = attempt.demuxer if web is None else DEMUXERS[web.ext]
        contents = attempt.contents
        if web is not None:
            contents = self._made("all", lambda: self._workshop.look(path, demuxer))
        chosen = choose(contents) if contents is not None else None
        if contents is None or chosen is None:
            return None
        return Film(path=path, demuxer=demuxer, contents=contents, chosen=chosen)

    def of(self, film: Film) -> Iterator[ProducedFile]:
        """Make the renditions that the settings want, as far as they can be made."""
        if has_true_colours(film.picture):
            yield from self._stills(film)
            yield from self._storyboard(film)
        if self._video.subtitles:
            yield from self._subtitles(film)
        if self._video.hls:
            yield from self._hls(film)

    def _hls(self, film: Film) -> Iterator[ProducedFile]:
        attempt, media = self._attempt, self._attempt.settings.media
        rungs = plan_ladder(film.picture, self._video.hls)
        left = self._cpu_of_ladder(film, rungs)
        if left is None:
            return
        ladder = Ladder(
            workshop=self._workshop_for(left),
            film=film,
            preset=media.preset,
            crf=media.crf,
            max_pixels=media.max_pixels,
            largest=LARGER * attempt.job.file_size + SPARE_BYTES,
        )
        variants = []
        for number, rung in enumerate(rungs):
            moved = partial(self._moved, film.duration, number / len(rungs), 1 / len(rungs))
            variant = self._made(rung.name, partial(ladder.make, rung, moved))
            if variant is None:
                continue
            variants.append(variant)
            facts = {"width": rung.width, "height": rung.height}
            yield attempt.made(
                rung.name, variant.playlist, content_type=hls.MEDIA_TYPE, ext=hls.EXT, facts=facts
            )
            yield attempt.made(
                rung.media_name, variant.media, content_type="video/mp4", ext=".mp4", facts=facts
            )
        if variants:
            path = attempt.work_dir / f"{hls.NAME}{hls.EXT}"
            path.write_text(master_playlist(variants), "ascii")
            yield attempt.made(hls.NAME, path, content_type=hls.MEDIA_TYPE, ext=hls.EXT)

    def _moved(self, duration: float, before: float, part: float, seconds: float) -> None:
        """Report the progress while one size is made.

        Args: before: share of the ladder that is done; part: share of the ladder that this size is;
            seconds: ffmpeg's position.
        """
        done = before + part * min(seconds / duration, 1.0) if duration else before
        web = share_of_web(self._attempt)
        progress = INSPECTED_PROGRESS + int(
            (COMPRESSED_PROGRESS - INSPECTED_PROGRESS) * min(web + (1 - web) * done, 0.999)
        )
        self._attempt.reporter.report_progress(TaskStatus.COMPRESSING, progress, TEXT_COMPRESSING)

    def _cpu_of_ladder(self, film: Film, rungs: tuple[Rung, ...]) -> float | None:
        """Return the seconds of processor time that the web copy leaves for the ladder.

        Returns: None if the ladder would take more.
        """
        attempt = self._attempt
        preset = attempt.settings.media.preset
        own = estimated_cpu(attempt.probed, preset) if attempt.probed is not None else None
        left = self._allowed - (own or 0.0)
        needed = ladder_cpu(summary(film.contents), rungs, preset)
        if needed <= left:
            return left
        attempt.metrics.over_budget("before")
        log.warning(
            "media.budget.exceeded",
            extra={
                "task_id": attempt.job.task_id,
                "when": "before",
                "rendition": hls.NAME,
                "estimated_cpu_seconds": needed,
                "allowed_cpu_seconds": left,
            },
        )
        return None

    def _subtitles(self, film: Film) -> Iterator[ProducedFile]:
        attempt, workshop = self._attempt, self._workshop
        sent = choose(attempt.contents) if attempt.contents is not None else None
        tracks = sent.subtitles if sent is not None else ()
        carried = film.chosen.subtitles
        source, demuxer, read = attempt.source, attempt.demuxer, tracks
        if len(carried) == len(tracks):
            # The web copy has all subtitles, and is smaller.
            source, demuxer, read = film.path, film.demuxer, carried
        pairs = tuple(zip(read, tracks, strict=True))
        made = self._made(
            "subtitles", lambda: tuple(make_subtitles(workshop, source, demuxer, pairs))
        )
        for track in made or ():
            yield attempt.made(
                track.name, track.path, content_type=MEDIA_TYPE, ext=EXT, facts=track.facts
            )

    def _stills(self, film: Film) -> Iterator[ProducedFile]:
        video, workshop = self._video, self._workshop
        if not (video.poster or video.thumbnail_width):
            return
        max_pixels = self._attempt.settings.media.max_pixels
        poster = self._made(
            "poster",
            lambda: make_poster(workshop, film, longest=video.poster_side, max_pixels=max_pixels),
        )
        if poster is None:
            return
        if video.poster:
            yield self._still("poster", poster)
        if video.thumbnail_width:
            width = video.thumbnail_width
            made = self._made("thumbnail", lambda: make_thumbnail(workshop, poster, width=width))
            if made is not None:
                yield self._still("thumbnail", made)

    def _storyboard(self, film: Film) -> Iterator[ProducedFile]:
        attempt, workshop = self._attempt, self._workshop
        if not self._video.storyboard or film.duration < self._video.storyboard_from:
            return
        max_pixels = attempt.settings.media.max_pixels
        board = self._made(
            storyboard.NAME,
            lambda: storyboard.make_storyboard(workshop, film, max_pixels=max_pixels),
        )
        if board is None:
            return
        grid = board.grid
        facts = {"tiles": grid.number, "tile_width": grid.width, "tile_height": grid.height}
        yield attempt.made(
            storyboard.NAME, board.picture, content_type="image/jpeg", ext=".jpg",
            facts={**facts, "interval": grid.interval},
        )  # fmt: skip
        yield attempt.made(storyboard.MAP_NAME, board.map, content_type=MEDIA_TYPE, ext=EXT)

    def _still(self, name: str, still: Still) -> ProducedFile:
        facts = {"width": still.width, "height": still.height}
        return self._attempt.made(
            name, still.path, content_type="image/jpeg", ext=".jpg", facts=facts
        )

    def _made(self, name: str, make: Callable[[], T]) -> T | None:
        """Return the result of ``make``; None if it fails. Raises: LeaseLost, WorkerStopping."""
        try:
            return make()
        except RenditionFailed as error:
            reason = str(error)
        except Stopped:
            self._attempt.lease.check()
            reason = "the disk is short"
        log.warning(
            "media.rendition.not_made",
            extra={"task_id": self._attempt.job.task_id, "rendition": name, "reason": reason},
        )
        return None
