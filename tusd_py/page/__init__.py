"""The page at ``/`` and the web component: their sources, and what is built from them."""

from importlib.resources import files
from typing import Final

BUILT: Final = files("tusd_py.page") / "built"
COMPONENT: Final = BUILT / "tusd-upload"
"""The web component, as the folder of an npm package."""
