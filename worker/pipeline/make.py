"""Step 3: makes a web copy and renditions by the kind of file; settings decide on the original."""

import logging
from collections.abc import Callable, Mapping
from typing import Final

from tusd_py.domain.job import Step
from tusd_py.domain.notes import Note
from tusd_py.worker.media.causes import Blame, ToolFailed
from tusd_py.worker.media.isobmff import read_layout
from tusd_py.worker.media.sound_choice import is_sound
from tusd_py.worker.pipeline.attempt import Attempt
from tusd_py.worker.pipeline.film import make_film
from tusd_py.worker.pipeline.film_renditions import with_renditions
from tusd_py.worker.pipeline.kept import keep_what_was_made, kept
from tusd_py.worker.pipeline.picture import make_picture
from tusd_py.worker.pipeline.produced import Produced
from tusd_py.worker.pipeline.second_try import with_second_try
from tusd_py.worker.pipeline.sound import make_sound

log = logging.getLogger(__name__)

MAKERS: Final[Mapping[str, Callable[[Attempt], Produced]]] = {
    "video": make_film,
    "image": make_picture,
    "audio": make_sound,
}
"""What makes the renditions, by the family of the content.

A film's container without a moving picture is a sound.
"""


def make(attempt: Attempt) -> None:
    """Make what the settings want of this kind of file; decide whether to store the original too.

    Raises: PermanentError: it can't be made, and by the settings the task fails then;
        OutOfResources; LeaseLost, WorkerStopping.
    """
    if attempt.checkpoint.as_it_is:
        attempt.save(step=Step.STORE, notes=(*attempt.checkpoint.notes, Note.WORKER_DIED))
        return
    family = _family(attempt)
    maker = MAKERS.get(family)
    if maker is None or not attempt.settings.media.compress:
        attempt.save(step=Step.STORE)
        return
    produced = _made(attempt, maker)
    if family == "video":
        produced = with_renditions(attempt, produced)
    web = () if produced.web is None else (produced.web,)
    attempt.save(
        step=Step.STORE,
        outputs=(*web, *produced.others),
        keeps_original=_keeps_original(attempt, produced),
        facts={**attempt.checkpoint.facts, **produced.facts},
        notes=(*attempt.checkpoint.notes, *produced.notes),
    )


def _made(attempt: Attempt, maker: Callable[[Attempt], Produced]) -> Produced:
    if attempt.demuxer == "mov" and read_layout(attempt.source).is_protected:
        return kept(attempt, Note.PROTECTED)
    try:
        return with_second_try(attempt, lambda: maker(attempt))
    except ToolFailed as error:
        if error.cause.blame is not Blame.FILE:
            keep_what_was_made(attempt)
        return kept(attempt, error.cause.note)


def _family(attempt: Attempt) -> str:
    """Return the family of the file by its streams, if they are known."""
    contents = attempt.contents
    if contents is not None and is_sound(contents, attempt.family):
        return "audio"
    if contents is not None and attempt.family == "audio" and contents.has_moving_picture:
        return "video"
    return attempt.family


def _keeps_original(attempt: Attempt, produced: Produced) -> bool:
    """Return whether to store the source: always if it is the main object, else by the settings."""
    policy = attempt.settings.media.keep_original
    return (
        produced.web is None
        or policy == "always"
        or (policy == "when-lossy" and not produced.is_equal)
    )
