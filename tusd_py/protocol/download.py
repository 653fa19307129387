"""Makes the command of a GET or HEAD from its head, for all routes."""

from tusd_py.domain.commands import Download
from tusd_py.domain.ids import UploadId
from tusd_py.protocol.conditions import conditions_of
from tusd_py.protocol.fields import Fields


def download_command(
    fields: Fields, upload_id: UploadId, *, rendition: str | None, send_body: bool
) -> Download:
    """Return the command of a download. Raises: MalformedHeader."""
    return Download(
        upload_id=upload_id,
        rendition=rendition,
        range_header=fields.one("Range"),
        conditions=conditions_of(fields),
        send_body=send_body,
    )
