"""Binds the address of a server of health and metrics, which several processes may serve."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def listening(listen: str) -> Iterator[socket.socket]:
    """Listen at ``host:port``, or at the path of a Unix socket, while the block runs.

    Processes that inherit the socket can serve it too (``health_server.serving``).

    Raises: OSError: the address, which is in its ``filename``, is not available.
    """
    try:
        listener = _at_path(Path(listen)) if listen.startswith("/") else _at_port(listen)
    except OSError as error:
        raise OSError(error.errno, error.strerror, listen) from error
    with listener:
        try:
            yield listener
        finally:
            if listen.startswith("/"):
                Path(listen).unlink(missing_ok=True)


def _at_port(listen: str) -> socket.socket:
    host, _, port = listen.rpartition(":")
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host.strip("[]"), int(port)))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _at_path(place: Path) -> socket.socket:
    """Take the path, for the user that runs this process and the user's group.

    A socket there that no process serves any more is removed first.
    """
    if place.is_socket() and not _is_served(place):
        place.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(place))
        place.chmod(0o660)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _is_served(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as visitor:
        try:
            visitor.connect(str(place))
        except ConnectionRefusedError:
            return False
    return True
