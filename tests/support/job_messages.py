"""A message of a job, as a server sends it."""

from support.ids import fresh_id

from tusd_py.domain.ids import UserId
from tusd_py.domain.job import JobMessage


def message() -> JobMessage:
    return JobMessage(
        task_id=fresh_id(), user_id=UserId(123), temp_path="/tmp/upload-x", filename="视频.mp4",
        file_hash="a" * 64, file_size=104857600, is_video=True,
    )  # fmt: skip
