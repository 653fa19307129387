"""``tusd-py config``: what is set, and from where."""

import typer
import yaml
from pydantic import SecretStr

from tusd_py.cli.common import Config, settings_from
from tusd_py.settings import Settings

app = typer.Typer(help="Look at the settings.", no_args_is_help=True)


@app.command("show")
def show(config: Config = None) -> None:
    """Print the settings in force as YAML; secrets are masked."""
    typer.echo(yaml.safe_dump(shown(settings_from(config)), sort_keys=False), nl=False)


@app.callback()
def _root() -> None:
    """Look at the settings."""


def shown(settings: Settings) -> dict[str, object]:
    """The tree of settings as plain values; a secret is ``********``, or empty when it is not set."""

    def plain(value: object) -> object:
        if isinstance(value, dict):
            return {name: plain(member) for name, member in value.items()}
        if isinstance(value, SecretStr):
            return str(value)
        if isinstance(value, tuple | list):
            return [plain(member) for member in value]
        return value if isinstance(value, bool | int | float | str) else str(value)

    return {name: plain(value) for name, value in settings.model_dump().items()}
