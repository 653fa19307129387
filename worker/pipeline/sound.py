"""Makes waveform and cover of a sound, and a web copy if browsers need it or it saves much."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from tusd_py.domain.notes import Note
from tusd_py.domain.rendition import WEB, ProducedFile
from tusd_py.domain.task import COMPRESSED_PROGRESS, INSPECTED_PROGRESS, TEXT_SOUND, TaskStatus
from tusd_py.private_files import make_private_directory
from tusd_py.worker.media.causes import ToolFailed
from tusd_py.worker.media.contents import Contents, Stream
from tusd_py.worker.media.inventory import content_tags, is_location
from tusd_py.worker.media.isobmff import read_layout
from tusd_py.worker.media.position import Position
from tusd_py.worker.media.probe import inspect_media
from tusd_py.worker.media.run import LimitExceeded
from tusd_py.worker.media.sandbox import Sandbox
from tusd_py.worker.media.sound_analysis import EXACT, SoundAnalyser, SoundAnalysis
from tusd_py.worker.media.sound_argv import analyse_argv, make_argv, tags_of
from tusd_py.worker.media.sound_choice import tracks_of
from tusd_py.worker.media.sound_facts import sound_facts
from tusd_py.worker.media.sound_inventory import carries_all, may_hold_more
from tusd_py.worker.media.sound_loudness import gain_filter, needs_gain, read_loudness
from tusd_py.worker.media.sound_plan import (
    Copy,
    Encode,
    Track,
    Wishes,
    encoding,
    plan_sound,
)
from tusd_py.worker.media.sound_waveform import WAVEFORM_TYPE, Waveform, part_samples
from tusd_py.worker.media.sounds import MAX_SAMPLE_RATE
from tusd_py.worker.pipeline.attempt import Attempt
from tusd_py.worker.pipeline.kept import kept
from tusd_py.worker.pipeline.produced import Produced
from tusd_py.worker.pipeline.second_try import final_note
from tusd_py.worker.pipeline.sound_cover import Cover, take_cover
from tusd_py.worker.pipeline.sound_run import DRAFT, SoundRun

log = logging.getLogger(__name__)

WAVEFORM: Final = "waveform"
DECODED_PROGRESS: Final = 40
"""Progress when the source has been decoded once."""
SPARE_BYTES: Final = 16 << 20
ENCODER_SPREAD: Final = 1.5
"""Factor by which an encoder may exceed the bit rate that it was given, over a whole sound."""


def make_sound(attempt: Attempt) -> Produced:
    """Make what the settings want of a sound.

    Progress goes from 30 to 60 with ffmpeg's position in it.
    Raises: PermanentError: the web copy can't be made, and by the settings the task fails then;
        ToolFailed: the work may be tried again; OutOfResources; LeaseLost, WorkerStopping.
    """
    contents, settings = attempt.contents, attempt.profile.audio
    tracks = tracks_of(contents) if contents is not None else ()
    if contents is None or not tracks:
        return Produced()
    if not (settings.web or settings.waveform or settings.cover or settings.loudness != "off"):
        return Produced(facts=sound_facts(contents, tracks, None))
    attempt.reporter.report(TaskStatus.COMPRESSING, INSPECTED_PROGRESS, TEXT_SOUND)
    make_private_directory(attempt.work_dir)
    return _Sound(attempt, contents, tracks).produced()


class _Sound:
    """Makes the web copy and the renditions of one sound."""

    def __init__(self, attempt: Attempt, contents: Contents, tracks: tuple[Stream, ...]) -> None:
        settings, media = attempt.profile.audio, attempt.settings.media
        self._attempt = attempt
        self._contents = contents
        self._tracks = tracks
        self._settings = settings
        self._target = None if settings.loudness == "off" else settings.loudness
        self._wishes = Wishes(
            web=settings.web or self._target is not None,
            codec=settings.format,
            stereo_bit_rate=int(settings.bitrate.removesuffix("k")) * 1000,
            gain_ratio=media.gain_ratio,
            metadata=settings.metadata,
        )
        self._run = SoundRun(attempt)

    def produced(self) -> Produced:
        """Make the outputs and return them. Raises: what ``make_sound`` raises."""
        cover = take_cover(self._attempt, self._run, self._contents)
        analysis, trouble = self._analysed()
        plan = self._plan(analysis)
        if plan is None:
            produced = Produced(notes=() if trouble is None else (trouble,))
        elif analysis is None or trouble is not None:
            produced = self._kept(plan, trouble or Note.NOT_PLAYABLE)
        else:
            produced = self._with_copy(plan, analysis, cover)
        others = (*self._waveform(analysis), *cover.made)
        keeps_tags = produced.web is None and self._has_unwanted_tags()
        left = (Note.TAGS_NOT_REMOVED,) if keeps_tags else ()
        return replace(
            produced,
            others=others,
            facts={**sound_facts(self._contents, self._tracks, analysis), **produced.facts},
            notes=(*produced.notes, *left, *cover.notes),
        )

    def _analysed(self) -> tuple[SoundAnalysis | None, Note | None]:
        """Decode the main track; return its analysis, and a note if something is wrong with it."""
        mix = encoding(self._tracks[:1], self._wishes, copies=False)[0].mix
        main = self._tracks[0]
        stated = main.duration or self._contents.duration
        try:
            analysis = self._analyse(
                self._attempt.source,
                self._attempt.demuxer,
                Track(index=main.index, mix=mix if self._target is not None else ""),
                sample_rate=main.sample_rate,
                seconds=stated,
            )
        except ToolFailed as error:
            return None, final_note(self._attempt, error)
        if analysis.seconds == 0:
            return None, Note.EMPTY
        if analysis.is_damaged:
            return analysis, Note.DAMAGED
        is_exact = self._attempt.demuxer in EXACT
        return analysis, Note.CUT_OFF if is_exact and analysis.is_shorter_than(stated) else None

    def _analyse(
        self, source: Path, demuxer: str, track: Track, *, sample_rate: int, seconds: float | None
    ) -> SoundAnalysis:
        """Decode a track and analyse it. Raises: ToolFailed, and what ``make_sound`` raises."""
        rate = sample_rate or MAX_SAMPLE_RATE
        points = self._settings.waveform_points
        samples = part_samples(seconds, rate, points)
        waveform = Waveform(sample_rate=rate, samples=samples, points=points)

        def argv(box: Sandbox) -> list[str]:
            return analyse_argv(
                self._attempt.tools.ffmpeg or "",
                track,
                source=box.source_seen,
                demuxer=demuxer,
                part_samples=samples,
                sample_rate=rate,
                measures_loudness=self._target is not None,
            )

        moved = self._moving(INSPECTED_PROGRESS, DECODED_PROGRESS, seconds)
        ran = self._run.read(source, argv, SoundAnalyser(waveform, moved).on_line)
        loudness = read_loudness(ran.stderr) if self._target is not None else None
        return SoundAnalysis(waveform=waveform, errors=ran.errors, loudness=loudness)

    def _moving(self, start: int, end: int, seconds: float | None) -> Callable[[float], None]:
        def moved(position: float) -> None:
            share = min(position / seconds, 0.999) if seconds else 0.0
            progress = start + int((end - start) * share)
            self._attempt.reporter.report_progress(TaskStatus.COMPRESSING, progress, TEXT_SOUND)

        return moved

    def _plan(self, analysis: SoundAnalysis | None) -> Copy | Encode | None:
        is_changed = (
            self._target is not None
            and analysis is not None
            and needs_gain(analysis.loudness, self._target)
        )
        return plan_sound(
            self._contents,
            self._tracks,
            self._attempt.checkpoint.content_type,
            self._wishes,
            size=self._attempt.job.file_size,
            changes_loudness=is_changed,
            has_unwanted_tags=self._has_unwanted_tags(),
        )

    def _has_unwanted_tags(self) -> bool:
        policy = self._settings.metadata
        tags = [self._contents.tags, *(one.tags for one in self._contents.streams)]
        names = {name for one in tags for name in content_tags(one)}
        if policy == "strip_all":
            return bool(names) or bool(self._contents.covers)
        return policy == "strip_location" and any(map(is_location, names))

    def _kept(self, plan: Copy | Encode, note: Note) -> Produced:
        """Return the result of a sound of which no copy was made.

        Raises: PermanentError: a copy was needed, and by the settings the task fails then.
        """
        if isinstance(plan, Encode) and not plan.is_needed:
            return Produced(notes=(note,))
        return kept(self._attempt, note)

    def _with_copy(self, plan: Copy | Encode, analysis: SoundAnalysis, cover: Cover) -> Produced:
        """Make the web copy, and use it only if it decodes like the source.

        Raises: what ``make_sound`` raises.
        """
        attempt = self._attempt
        path = attempt.work_dir / f"sound{plan.container.ext}"
        try:
            self._make(plan, analysis, cover, path)
            found, made = self._accepted(plan, path)
        except ToolFailed as error:
            return self._kept(plan, final_note(attempt, error))
        if found is None or made is None or len(tracks_of(found)) != len(plan.tracks):
            return self._kept(plan, Note.NOT_PLAYABLE)
        if not analysis.is_like(made):
            log.warning(
                "media.output.refused", extra={"seconds": made.seconds, "errors": made.errors}
            )
            return self._kept(plan, Note.NOT_AS_LONG)
        size = path.stat().st_size
        is_gain = size < attempt.settings.media.gain_ratio * attempt.job.file_size
        if isinstance(plan, Encode) and not plan.is_needed and not is_gain:
            return Produced(notes=(Note.NO_GAIN,))
        is_equal = (
            isinstance(plan, Copy)
            and carries_all(self._contents, found, self._settings.metadata)
            and not self._may_hold_more()
        )
        container = plan.container
        web = attempt.made(WEB, path, content_type=container.content_type, ext=container.ext)
        facts = {"web_loudness": made.loudness.facts()} if made.loudness is not None else {}
        attempt.reporter.report(TaskStatus.COMPRESSING, COMPRESSED_PROGRESS, TEXT_SOUND)
        return Produced(web=web, is_equal=is_equal and not analysis.errors, facts=facts)

    def _may_hold_more(self) -> bool:
        demuxer = self._attempt.demuxer
        layout = read_layout(self._attempt.source) if demuxer == "mov" else None
        return may_hold_more(demuxer, layout)

    def _make(self, plan: Copy | Encode, analysis: SoundAnalysis, cover: Cover, path: Path) -> None:
        attempt = self._attempt
        is_changed = isinstance(plan, Encode) and self._target is not None
        gain = ""
        if is_changed and analysis.loudness is not None and self._target is not None:
            gain = gain_filter(analysis.loudness, self._target)
        carried = cover.index if plan.container.has_cover else None

        def argv(box: Sandbox) -> list[str]:
            return make_argv(
                attempt.tools.ffmpeg or "",
                plan,
                source=box.source_seen,
                output=box.output_seen(DRAFT),
                demuxer=attempt.demuxer,
                tags=tags_of(self._contents, self._tracks, self._settings.metadata),
                cover=carried,
                gain=gain,
            )

        encoded = sum(one.bit_rate for one in plan.tracks) * analysis.seconds / 8
        largest = attempt.job.file_size + int(ENCODER_SPREAD * encoded) + SPARE_BYTES
        moved = self._moving(DECODED_PROGRESS, COMPRESSED_PROGRESS, analysis.seconds)
        started = attempt.clock.monotonic()
        self._run.write(argv, path, largest=largest, on_line=Position(moved).on_line)
        attempt.metrics.compressed(attempt.clock.monotonic() - started)

    def _accepted(
        self, plan: Copy | Encode, path: Path
    ) -> tuple[Contents | None, SoundAnalysis | None]:
        """Return the contents of the copy and the analysis of its sound. Raises: ToolFailed."""
        attempt, demuxer = self._attempt, plan.container.demuxer
        try:
            found = inspect_media(
                attempt.tools,
                self._run.box(path),
                demuxer,
                clock=attempt.clock,
                stopped=self._run.stopped,
            )
        except LimitExceeded:
            found = None
        tracks = tracks_of(found) if found is not None else ()
        if found is None or not tracks:
            return found, None
        main = Track(index=tracks[0].index)
        seconds = tracks[0].duration or found.duration
        rate = tracks[0].sample_rate
        return found, self._analyse(path, demuxer, main, sample_rate=rate, seconds=seconds)

    def _waveform(self, analysis: SoundAnalysis | None) -> tuple[ProducedFile, ...]:
        if analysis is None or not self._settings.waveform:
            return ()
        path = self._attempt.work_dir / "waveform.json"
        path.write_bytes(analysis.waveform.as_json())
        facts = {"points": analysis.waveform.points}
        return (
            self._attempt.made(
                WAVEFORM, path, content_type=WAVEFORM_TYPE, ext=".json", facts=facts
            ),
        )
