"""Makes the web copy of a film, if it is a gain or if browsers do not play the film as it is."""

import logging
from dataclasses import replace
from typing import Final

from tusd_py.domain.notes import Note
from tusd_py.domain.rendition import WEB
from tusd_py.domain.task import (
    INSPECTED_PROGRESS,
    TEXT_COMPRESSING,
    TaskStatus,
)
from tusd_py.worker.media.accept import objection, states_another_length
from tusd_py.worker.media.choose import Chosen, choose
from tusd_py.worker.media.contents import Contents
from tusd_py.worker.media.encoders import Encoder
from tusd_py.worker.media.film_argv import Mark, copy_argv, encode_argv
from tusd_py.worker.media.film_facts import film_facts, length_facts
from tusd_py.worker.media.inventory import Loss, losses
from tusd_py.worker.media.isobmff import Layout, read_layout
from tusd_py.worker.media.measure import measure
from tusd_py.worker.media.plan import (
    Container,
    Copy,
    Encode,
    Keep,
    Packaging,
    Wishes,
    largest_size,
    plan_film,
    tag_changes,
)
from tusd_py.worker.media.probe import inspect_media, measure_duration
from tusd_py.worker.media.riff import has_unknown_chunks
from tusd_py.worker.media.sandbox import Sandbox
from tusd_py.worker.media.transcode import Output, TranscodeRefused
from tusd_py.worker.pipeline.attempt import Attempt
from tusd_py.worker.pipeline.encoder_choice import with_fallback
from tusd_py.worker.pipeline.film_mark import film_mark
from tusd_py.worker.pipeline.film_run import FilmRun
from tusd_py.worker.pipeline.kept import kept
from tusd_py.worker.pipeline.produced import Produced

log = logging.getLogger(__name__)

CONTAINERS: Final[dict[str, Container]] = {
    "video/mp4": "mp4",
    "video/quicktime": "mp4",
    "video/webm": "webm",
}
"""Containers that browsers play, by the media type of the content. Browsers play MOV as MP4."""
MADE_AS: Final = {"mp4": ("video/mp4", ".mp4", "mov"), "webm": ("video/webm", ".webm", "matroska")}
"""Media type, extension and demuxer of a web copy, by its container."""


def make_film(attempt: Attempt) -> Produced:
    """Make the web copy of a film (MP4 with H.264 and AAC).

    Progress goes from 30 to 60 with ffmpeg's position in the film.
    Raises: PermanentError: it can't be made, and by the settings the task fails then;
        OutOfResources; LeaseLost, WorkerStopping.
    """
    contents = attempt.contents
    chosen = choose(contents) if contents is not None else None
    if contents is None or chosen is None or not attempt.profile.video.web:
        return Produced()
    attempt.reporter.report(TaskStatus.COMPRESSING, INSPECTED_PROGRESS, TEXT_COMPRESSING)
    facts = film_facts(contents, chosen)
    try:
        produced = _produced(attempt, contents)
    except TranscodeRefused as error:
        produced = kept(attempt, error.note)
    unchanged = (Note.TAGS_NOT_REMOVED,) if _has_unwanted_tags(attempt, contents, produced) else ()
    return replace(produced, facts={**facts, **produced.facts}, notes=(*produced.notes, *unchanged))


def _has_unwanted_tags(attempt: Attempt, contents: Contents, produced: Produced) -> bool:
    """Return whether the film is kept as it is with tags that the settings want removed."""
    changes = tag_changes(contents, attempt.profile.video.metadata)
    return produced.web is None and (changes.strips_all or bool(changes.removed))


def _produced(attempt: Attempt, header: Contents) -> Produced:
    """Measure the film, plan its web copy and make it.

    Raises: TranscodeRefused, and what ``make_film`` raises.
    """
    run = FilmRun(attempt)
    contents = _measured(attempt, run.reading_box(), header)
    chosen = choose(contents)
    if chosen is None:
        return Produced()
    packaging = _packaging(attempt)
    plan = plan_film(
        # A player can seek in the film only if the header states its length.
        contents if header.duration is not None else replace(contents, duration=None),
        chosen,
        wishes_of(attempt),
        packaging,
        has_tone_mapping=attempt.tools.has_tone_mapping,
    )
    film = _Film(attempt, run, contents, chosen, packaging.layout)
    produced = film.become(plan)
    return replace(produced, facts={**film_facts(contents, chosen), **produced.facts})


def wishes_of(attempt: Attempt) -> Wishes:
    """Return the wishes of the settings and of the file's profile for films."""
    media, video = attempt.settings.media, attempt.profile.video
    return Wishes(
        crf=media.crf,
        preset=media.preset,
        stereo_bit_rate=int(media.audio_bitrate.removesuffix("k")) * 1000,
        max_side=video.max_side,
        max_short_side=video.max_short_side,
        max_frame_rate=video.max_frame_rate,
        max_level=video.max_level,
        always_playable=video.always_playable,
        deinterlace=video.deinterlace,
        metadata=video.metadata,
        marked=video.watermark.wanted,
    )


def _packaging(attempt: Attempt) -> Packaging:
    return Packaging(
        demuxer=attempt.demuxer,
        container=CONTAINERS.get(attempt.checkpoint.content_type, ""),
        layout=read_layout(attempt.source) if attempt.demuxer == "mov" else None,
    )


def _measured(attempt: Attempt, box: Sandbox, contents: Contents) -> Contents:
    """Return the contents with the values that only reading the whole film shows.

    Raises: TranscodeRefused.
    """
    chosen = choose(contents)
    if chosen is None:
        return contents
    media = attempt.settings.media
    found = measure(
        attempt.tools,
        box,
        attempt.demuxer,
        contents,
        chosen.picture,
        clock=attempt.clock,
        stopped=attempt.lease.ended,
        stall_seconds=media.stall_timeout,
    )
    if found.duration is None:
        seconds = measure_duration(
            attempt.tools, box, attempt.demuxer, clock=attempt.clock, stopped=attempt.lease.ended
        )
        found = replace(found, duration=seconds)
    attempt.lease.check()
    if found.duration is not None and found.duration > media.max_duration:
        raise TranscodeRefused(Note.TOO_LONG)
    return found


def _left(plan: Keep) -> Produced:
    """Return the result for a film that stays as it is.

    Raises: TranscodeRefused: a web copy was needed, but can't be made.
    """
    if plan.note is not Note.NO_GAIN:
        raise TranscodeRefused(plan.note)
    return Produced(notes=(Note.NO_GAIN,))


class _Film:
    """Makes the web copy of one film by a plan."""

    def __init__(
        self,
        attempt: Attempt,
        run: FilmRun,
        contents: Contents,
        chosen: Chosen,
        layout: Layout | None,
    ) -> None:
        self._attempt = attempt
        self._layout = layout
        self._run = run
        self._contents = contents
        self._chosen = chosen

    def become(self, plan: Keep | Copy | Encode) -> Produced:
        """Carry out a plan. Raises: TranscodeRefused, and what ``make_film`` raises."""
        if isinstance(plan, Encode):
            return self.encoded(plan)
        return self.copied(plan) if isinstance(plan, Copy) else _left(plan)

    def encoded(self, plan: Encode) -> Produced:
        """Encode the film; use the result if it is a gain, or plays where the film does not.

        Raises: TranscodeRefused, and what ``make_film`` raises.
        """
        media = self._attempt.settings.media
        size = largest_size(self._chosen.picture, wishes_of(self._attempt))
        drawn = film_mark(self._attempt, *size)
        mark = Mark(path=str(drawn.path), x=drawn.x, y=drawn.y) if drawn is not None else None

        def encoded_by(encoder: Encoder) -> tuple[Output, Contents | None]:
            """Return the output and its contents; the contents are None if it is no gain."""

            def argv(box: Sandbox, output: str, threads: int) -> list[str]:
                return encode_argv(
                    self._attempt.tools.ffmpeg or "",
                    plan,
                    source=box.source_seen,
                    output=output,
                    demuxer=self._attempt.demuxer,
                    max_pixels=media.max_pixels,
                    threads=threads,
                    mark=mark,
                    encoder=encoder,
                )

            output = self._run.make(
                argv,
                "film.mp4",
                self._contents,
                is_gain_wanted=plan.otherwise is not None,
                readable=(drawn.path,) if drawn is not None else (),
                devices=encoder.devices,
            )
            if plan.otherwise is not None and not self._is_gain(output):
                return output, None
            keeps_frames = plan.picture.time_base is not None
            return output, self._accepted(output, "mp4", keeps_frames=keeps_frames)

        output, made = with_fallback(self._attempt, encoded_by)
        if made is None:
            output.path.unlink()
            return self.become(plan.otherwise or Keep(note=Note.NO_GAIN))
        lost = self._losses(made, output, copied=False)
        is_equal = not lost and self._is_gain(output) and mark is None
        return self._web(output, "mp4", made, lost, is_equal=is_equal)

    def _is_gain(self, output: Output) -> bool:
        attempt = self._attempt
        return output.size < attempt.settings.media.gain_ratio * attempt.job.file_size

    def copied(self, plan: Copy) -> Produced:
        """Copy the film's streams into another container.

        The copy is not used if something is lost and browsers play the film already, unless tags
        had to be removed.
        Raises: TranscodeRefused, and what ``make_film`` raises.
        """
        container = plan.container

        def argv(box: Sandbox, output: str, _: int) -> list[str]:
            return copy_argv(
                self._attempt.tools.ffmpeg or "",
                plan,
                self._chosen.picture.index,
                source=box.source_seen,
                output=output,
                demuxer=self._attempt.demuxer,
            )

        output = self._run.make(argv, f"copy.{container}", self._contents, is_encoded=False)
        made = self._accepted(output, container, keeps_frames=True)
        lost = self._losses(made, output, copied=True)
        plays = CONTAINERS.get(self._attempt.checkpoint.content_type) == container
        if lost and plays and not (plan.tags.strips_all or plan.tags.removed):
            output.path.unlink()
            return Produced(notes=(Note.NO_GAIN,))
        return self._web(output, container, made, lost, is_equal=not lost)

    def _accepted(self, output: Output, container: str, *, keeps_frames: bool) -> Contents:
        attempt = self._attempt
        box = replace(self._run.reading_box(), source=output.path)
        made = inspect_media(
            attempt.tools,
            box,
            MADE_AS[container][2],
            clock=attempt.clock,
            stopped=attempt.lease.ended,
        )
        film = choose(made) if made is not None else None
        if made is not None and film is not None:
            made = measure(
                attempt.tools,
                box,
                MADE_AS[container][2],
                made,
                film.picture,
                clock=attempt.clock,
                stopped=attempt.lease.ended,
                stall_seconds=attempt.settings.media.stall_timeout,
            )
        attempt.lease.check()
        note = objection(
            self._contents, self._chosen, made, errors=output.errors, keeps_frames=keeps_frames
        )
        if note is not None or made is None:
            log.warning("media.output.refused", extra={"note": str(note), "errors": output.errors})
            raise TranscodeRefused(Note.CUT_OFF if output.is_cut_off else note or Note.NOT_PLAYABLE)
        return made

    def _losses(self, made: Contents, output: Output, *, copied: bool) -> frozenset[Loss]:
        found = losses(
            self._contents,
            self._chosen,
            made,
            copied=copied,
            policy=self._attempt.profile.video.metadata,
        )
        unseen = {Loss.UNKNOWN} if self._may_hold_more() else set()
        if states_another_length(self._contents, self._chosen, made):
            unseen.add(Loss.UNKNOWN)
        damaged = {Loss.DAMAGE} if output.errors else set()
        return found | unseen | damaged

    def _may_hold_more(self) -> bool:
        """Return whether the file has parts that ffprobe does not report."""
        if self._attempt.demuxer == "avi":
            return has_unknown_chunks(self._attempt.source)
        return self._layout is not None and self._layout.has_unknown

    def _web(
        self,
        output: Output,
        container: str,
        found: Contents,
        lost: frozenset[Loss],
        *,
        is_equal: bool,
    ) -> Produced:
        content_type, ext, _ = MADE_AS[container]
        facts: dict[str, object] = {"not_carried": sorted(lost)} if lost else {}
        film = choose(found)
        if film is not None and states_another_length(self._contents, self._chosen, found):
            # The length that the file itself states is wrong.
            facts |= length_facts(film.picture, found)
        return Produced(
            web=self._attempt.made(WEB, output.path, content_type=content_type, ext=ext),
            is_equal=is_equal,
            facts=facts,
            notes=(Note.NOT_ALL_CARRIED,) if lost else (),
        )
