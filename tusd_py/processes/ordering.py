"""Writes the order for a process from the parent's settings, and from what the parent holds."""

from tusd_py.processes.holdings import Holdings
from tusd_py.processes.order import Order
from tusd_py.processes.sources import Sources
from tusd_py.settings.model import Settings
from tusd_py.siblings import Siblings


def order_for(
    slot: int, siblings: Siblings, settings: Settings, sources: Sources, holdings: Holdings
) -> Order:
    """Return the order for the process of a slot, which reads the other settings by itself.

    Args: siblings: of that process. settings: of the parent.
    """
    is_worker = slot == siblings.servers
    flags = {
        **sources.flags,
        "host": settings.host,
        "port": settings.port,
        "data_dir": str(settings.data_dir.absolute()),
        "worker_listen": "",
        "monitoring_listen": settings.monitoring_listen,
        "workers": settings.workers if is_worker else 0,
        # After it the parent kills the process.
        "shutdown_timeout": settings.shutdown_timeout,
    }
    listeners = () if is_worker else holdings.listeners
    monitoring = None if is_worker else holdings.monitoring
    return Order(
        config=None if sources.config is None else str(sources.config),
        flags=flags,
        directory=str(siblings.directory),
        number=siblings.number,
        servers=siblings.servers,
        secret=siblings.secret.hex(),
        slot=slot,
        listeners=[[one.fileno() for one in of_place] for of_place in listeners],
        monitoring=None if monitoring is None else monitoring.fileno(),
        held=holdings.data_dir_lock,
        workers=settings.workers,
    )
