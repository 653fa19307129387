"""Is tusd-py, a resumable upload server.

The public API is ``create_app``, ``ResumableRequests``, ``Settings`` and ``__version__``. Each is
made when it is first used: ``tusd_py.domain`` imports no web framework, and the program that reads
pictures in the sandbox, where no package is installed, has no version to read.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tusd_py.http.resumable import ResumableRequests
    from tusd_py.server import create_app
    from tusd_py.settings.model import Settings

    __version__: str

__all__ = ["ResumableRequests", "Settings", "__version__", "create_app"]


def __getattr__(name: str) -> object:
    if name == "create_app":
        from tusd_py.server import create_app

        return create_app
    if name == "ResumableRequests":
        from tusd_py.http.resumable import ResumableRequests

        return ResumableRequests
    if name == "Settings":
        from tusd_py.settings.model import Settings

        return Settings
    if name == "__version__":
        from importlib.metadata import version

        return version("tusd-py")
    raise AttributeError(name)
