"""Tracks of sounds, and the plan for them."""

from tusd_py.worker.media.contents import Contents, Stream
from tusd_py.worker.media.sound_plan import Copy, Encode, Wishes, plan_sound

MINUTE = 60.0


def track(codec: str, index: int = 0, **facts: object) -> Stream:
    given = {"channels": 2, "layout": "stereo", "sample_rate": 44100, "duration": MINUTE, **facts}
    return Stream(index=index, kind="audio", codec=codec, **given)  # type: ignore[arg-type]


def planned(
    content_type: str,
    *tracks: Stream,
    size: int = 10_000_000,
    duration: float | None = MINUTE,
    wishes: Wishes | None = None,
    changes_loudness: bool = False,
    has_unwanted_tags: bool = False,
) -> Copy | Encode | None:
    contents = Contents(duration=duration, streams=tracks)
    return plan_sound(
        contents, tracks, content_type, wishes or Wishes(), size=size,
        changes_loudness=changes_loudness, has_unwanted_tags=has_unwanted_tags,
    )  # fmt: skip
