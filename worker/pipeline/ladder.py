"""Estimates the share of the HLS ladder in the work on a film, for the budget and the progress."""

from tusd_py.worker.film_renditions.hls import ladder_cpu, plan_ladder
from tusd_py.worker.media.budget import allowed_cpu, estimated_cpu
from tusd_py.worker.media.choose import choose
from tusd_py.worker.pipeline.attempt import Attempt


def estimated_ladder(attempt: Attempt) -> float:
    """Return the seconds of processor time that the HLS ladder of the attempt's film takes.

    Returns: 0 if no ladder is wanted, or if it would take more than the budget leaves.
    """
    chosen = choose(attempt.contents) if attempt.contents is not None else None
    lines = attempt.profile.video.hls
    if chosen is None or attempt.probed is None or not lines:
        return 0.0
    media = attempt.settings.media
    needed = ladder_cpu(attempt.probed, plan_ladder(chosen.picture, lines), media.preset)
    web = estimated_cpu(attempt.probed, media.preset) or 0.0
    return needed if web + needed <= allowed_cpu(media, attempt.job.file_size) else 0.0


def share_of_web(attempt: Attempt) -> float:
    """Return the share of the web copy in the work, from 0 to 1."""
    ladder = estimated_ladder(attempt)
    if not ladder or attempt.probed is None:
        return 1.0
    web = estimated_cpu(attempt.probed, attempt.settings.media.preset) or 0.0
    return web / (web + ladder)
