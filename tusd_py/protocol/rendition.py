"""Parses the query parameter that names a rendition."""

from urllib.parse import parse_qs

from tusd_py.domain.errors import RenditionNotFound
from tusd_py.domain.rendition import is_rendition_name


def rendition_name(query: str) -> str | None:
    """Return the parameter ``rendition``; None if there is none.

    Raises: RenditionNotFound: it is repeated, or no rendition can have that name.
    """
    names = parse_qs(query, keep_blank_values=True).get("rendition")
    if names is None:
        return None
    if len(names) > 1 or not is_rendition_name(names[0]):
        raise RenditionNotFound
    return names[0]
