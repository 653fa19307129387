"""Is what a process of a set runs: a server, or the worker, as its parent orders.

The process ends when its parent does: then the kernel closes the other end of its channel.
"""

import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from tusd_py.channel import BEAT_SECONDS, Channel, ChannelClosed, MessageKind
from tusd_py.failure_sentence import DEPLOYMENT_ERRORS, failure_sentence
from tusd_py.garbage import collect_rarely
from tusd_py.logs import start_logging
from tusd_py.membership import Membership
from tusd_py.private_files import owner_only
from tusd_py.processes.order import SETTINGS_REFUSED, Order
from tusd_py.settings.identity import check_identity
from tusd_py.settings.model import Settings
from tusd_py.settings.sources import SettingsError, load_settings


def main() -> int:
    """Run the process; the only argument is the number of the channel's descriptor."""
    collect_rarely()
    # Only the parent obeys it. The kernel sends it to a stopped process whose parent dies. Programs
    # that this process starts would inherit that it is ignored, but not a handler.
    signal.signal(signal.SIGHUP, lambda *_: None)
    end = socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(end.fileno(), False)
    channel = Channel(end)
    try:
        order = Order.of(channel.receive().content)
        listeners = order.sockets()
        try:
            settings = load_settings(
                None if order.config is None else Path(order.config), os.environ, order.flags
            )
            _check_lock(settings, order)
            start_logging(settings, process=order.number)
            owner_only()
            if order.is_worker:
                return _work(settings, order, channel)
            return _serve(settings, order, listeners, channel)
        except DEPLOYMENT_ERRORS as error:
            channel.send(MessageKind.FAILED, failure_sentence(error))
            return SETTINGS_REFUSED if isinstance(error, SettingsError) else 1
    except ChannelClosed:
        return 1


def _check_lock(settings: Settings, order: Order) -> None:
    """Check that the data directory is locked, unless other machines share it.

    The parent locks it when it starts, or never. Raises: SettingsError.
    """
    if (order.held is None) != bool(settings.redis.addr):
        raise SettingsError("redis.addr: to begin or to end its use, stop the server and start it")


def _serve(
    settings: Settings, order: Order, listeners: Sequence[Sequence[socket.socket]], channel: Channel
) -> int:
    from tusd_py.server import serve

    # The file of settings may have changed since the parent has checked it.
    check_identity(settings)
    membership = Membership(
        siblings=order.siblings,
        parent=channel,
        slot=order.slot,
        listeners=listeners,
        monitoring=None if order.monitoring is None else socket.socket(fileno=order.monitoring),
        workers=order.workers,
    )
    return serve(settings, announce=print, membership=membership)


def _work(settings: Settings, order: Order, channel: Channel) -> int:
    from tusd_py.worker.app import run

    threading.Thread(target=_beat, args=(channel,), name="parent", daemon=True).start()

    def started() -> None:
        channel.send(MessageKind.READY, [])

    def stopping() -> None:
        channel.send(MessageKind.STOPPING)

    return run(
        settings, announce=print, siblings=order.siblings, started=started, stopping=stopping
    )


def _beat(channel: Channel) -> None:
    """Show that this process runs, until its parent ends; then end it."""
    try:
        while True:
            channel.send(MessageKind.BEAT)
            if select.select([channel], [], [], BEAT_SECONDS)[0]:
                channel.waiting()
    except ChannelClosed:
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
