"""How much of the work on a film its sizes for HLS are: for the budget, and for the progress that users see."""

from worker.film_renditions.hls import ladder_cpu, plan_ladder
from worker.media.budget import allowed_cpu, estimated_cpu
from worker.media.choose import choose
from worker.pipeline.attempt import Attempt


def estimated_ladder(attempt: Attempt) -> float:
    """Return the seconds of processor time that the sizes of an attempt's film take; 0 where there are to be
    none, or where they would take more than the budget leaves."""
    chosen = choose(attempt.contents) if attempt.contents is not None else None
    lines = attempt.profile.video.hls
    if chosen is None or attempt.probed is None or not lines:
        return 0.0
    media = attempt.settings.media
    needed = ladder_cpu(attempt.probed, plan_ladder(chosen.picture, lines), media.preset)
    web = estimated_cpu(attempt.probed, media.preset) or 0.0
    return needed if web + needed <= allowed_cpu(media, attempt.job.file_size) else 0.0


def share_of_web(attempt: Attempt) -> float:
    """Return which share of the work the web copy is, from 0 to 1."""
    ladder = estimated_ladder(attempt)
    if not ladder or attempt.probed is None:
        return 1.0
    web = estimated_cpu(attempt.probed, attempt.settings.media.preset) or 0.0
    return web / (web + ladder)
