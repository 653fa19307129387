"""The application that ``ways.py`` measures; its settings are in the environment."""

from starlette.applications import Starlette

from tusd_py import Settings, create_app


def app() -> Starlette:
    """Return server without workers, as an application that uvicorn serves."""
    return create_app(Settings(workers=0, max_size=0, durability="off"))
