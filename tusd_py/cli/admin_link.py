"""Run ``tusd-py admin-link``: print a link to the operator's page of a server without auth."""

from typing import Annotated

import typer

from tusd_py.cli.common import Config, DataDir, plain_errors, settings_from
from tusd_py.cli.output import say
from tusd_py.cli.refusal import refuse


def admin_link(
    data_dir: DataDir = None,
    config: Config = None,
    url: Annotated[
        str | None,
        typer.Option(help="Address of the server as the browser reaches it, without /admin."),
    ] = None,
) -> None:
    """Print a link that opens /admin of a running server once, within a day.

    It works for every server on the data directory. With authentication (auth) there are no links:
    a token with the role auth.admin_role opens the page.
    """
    settings = settings_from(config, data_dir=data_dir)
    if settings.auth.enabled:
        refuse(
            f"with authentication a token with the role {settings.auth.admin_role} opens /admin: "
            f"tusd-py token --user 1 --role {settings.auth.admin_role}"
        )
    from tusd_py.auth.operator_links import OperatorLinks, page_link
    from tusd_py.clock import SystemClock

    links = OperatorLinks(settings.data_dir, SystemClock())
    if not links.directory.is_dir():
        refuse(f"no server without authentication has run on {settings.data_dir} yet (--data-dir)")
    with plain_errors():
        key = links.new_key()
    say(page_link((url or settings.local_url(settings.port)).rstrip("/"), key))
