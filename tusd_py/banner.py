"""Describes a server that listens, for a terminal."""

from importlib.metadata import version

import uvicorn

from tusd_py.auth.operator_links import page_link
from tusd_py.domain.masking import masked
from tusd_py.http.context import AppContext
from tusd_py.membership import Membership
from tusd_py.settings.model import Settings
from tusd_py.settings.values import GIB
from tusd_py.storage import checksums
from tusd_py.worker.media.tools import Tools


def startup_banner(
    context: AppContext,
    tools: Tools,
    port: int,
    *,
    ours: bool,
    monitoring_address: str | None = None,
    membership: Membership | None = None,
) -> list[str]:
    """Return lines that describe this server, for a terminal; the address to use comes last."""
    settings = context.settings
    limit = f"{settings.max_size / GIB:g} GiB" if settings.max_size else "unlimited"
    expires = f"{settings.upload_expires / 3600:g} h" if settings.upload_expires else "never"
    trailers = ours and not settings.behind_proxy
    able = context.capabilities.with_trailers() if trailers else context.capabilities
    bodies = "from the connection, by threads" if settings.lend_bodies else "by way of ASGI"
    if not ours:
        bodies = f"by way of ASGI, slower: uvicorn {uvicorn.__version__} is new to us (see the log)"
    workers = f"{settings.workers} in this process" if settings.workers else "none in this process"
    if membership is not None and membership.workers:
        workers = f"{membership.workers} in a process of their own"
    return [
        f"tusd-py {version('tusd-py')}: {_mode(settings)}, files in {settings.data_dir}",
        f"access     {_access(settings)}",
        f"limits     size {limit}, idle {settings.idle_timeout:g} s, unfinished uploads "
        f"expire after {expires}, durability {settings.durability}",
        f"tus        1.0.0: {', '.join(able.extensions)}",
        f"bodies     {bodies}",
        f"checksums  {', '.join(checksums.ALGORITHMS)}",
        *_processes_line(membership),
        f"workers    {workers}; {tools.sentence()}",
        *([f"figures    {monitoring_address}/metrics"] if monitoring_address else []),
        *_operator_line(context, port),
        f"upload to  http://{settings.host}:{port}{settings.base_path}",
    ]


def _processes_line(membership: Membership | None) -> list[str]:
    if membership is None:
        return []
    return [f"processes  {membership.siblings.servers} on one port"]


def _operator_line(context: AppContext, port: int) -> list[str]:
    """Return the one-time link of the operator's page, if there is no authentication.

    It is only for the terminal and must not be logged.
    """
    if not context.access.anonymous:
        return []
    link = page_link(context.settings.local_url(port), context.operator_links.new_key())
    return [f"operator   {link} (good once; tusd-py admin-link prints another)"]


def _access(settings: Settings) -> str:
    auth = settings.auth
    if auth.enabled:
        by_secret = ["auth.access_secret (HS256)"] if auth.access_secret.get_secret_value() else []
        by_keys = [f"the keys at {masked(auth.jwks_url)}"] if auth.jwks_url else []
        return f"by session token: {' or '.join(by_secret + by_keys)}"
    if settings.open_to_strangers:
        return f"no authentication: every client that reaches {settings.host} may do everything"
    return (
        "no authentication: for this machine only; behind a proxy or for others set "
        "auth.access_secret"
    )


def _mode(settings: Settings) -> str:
    parts = [
        "MySQL" if settings.mysql.data_source.get_secret_value() else "SQLite",
        *(["Redis"] if settings.redis.addr else []),
        *(["RabbitMQ"] if settings.rabbitmq.host else []),
        *([] if settings.object_store == "local" else [settings.object_store.upper()]),
    ]
    return f"{'embedded' if parts == ['SQLite'] else 'distributed'} ({', '.join(parts)})"
