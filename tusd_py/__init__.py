"""Is tusd-py, a resumable upload server.

The public API is ``create_app``, ``Settings`` and ``__version__``. The first two are imported when
they are first used, so that ``tusd_py.domain`` imports no web framework.
"""

from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tusd_py.server import create_app
    from tusd_py.settings.model import Settings

__all__ = ["Settings", "__version__", "create_app"]

__version__ = version("tusd-py")


def __getattr__(name: str) -> object:
    if name == "create_app":
        from tusd_py.server import create_app

        return create_app
    if name == "Settings":
        from tusd_py.settings.model import Settings

        return Settings
    raise AttributeError(name)
