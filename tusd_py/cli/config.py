"""Run ``tusd-py config``: show the settings in force."""

import typer
import yaml

from tusd_py.cli.common import Config, settings_from
from tusd_py.domain.masking import masked_value
from tusd_py.settings.model import Settings

app = typer.Typer(help="Show the settings.", no_args_is_help=True)


@app.command("show")
def show(config: Config = None) -> None:
    """Print the settings in force as YAML; secrets are masked, also within URLs."""
    text = yaml.safe_dump(shown(settings_from(config)), sort_keys=False, allow_unicode=False)
    typer.echo(text, nl=False)


@app.callback()
def _root() -> None:
    """Show the settings."""


def shown(settings: Settings) -> dict[str, object]:
    """Return the tree of settings as values of YAML.

    A secret is ``**********``, or empty if it is not set; user, password and query of a URL are
    masked.
    """

    def plain(value: object) -> object:
        if isinstance(value, dict):
            return {name: plain(member) for name, member in value.items()}
        if isinstance(value, list):
            return [plain(member) for member in value]
        return masked_value(value) if isinstance(value, str) else value

    tree = settings.model_dump(mode="json")
    return {name: plain(value) for name, value in tree.items()}
