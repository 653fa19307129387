"""Binds the sockets of one port for several processes.

Each process accepts from a socket of its own, among which the kernel divides the connections
(SO_REUSEPORT). The parent keeps all of them open, so that connections that wait at the socket of a
process survive that process.
"""

import errno
import socket
from collections.abc import Sequence
from contextlib import ExitStack


def bind_listeners(host: str, port: int, count: int) -> Sequence[Sequence[socket.socket]]:
    """Return ``count`` sets of sockets, each with one for every address of ``host``.

    They do not listen yet. Args: port: 0 is any free one, the same for all.
    Raises: OSError: the address is in use or not available; it is in ``filename``.
    """
    try:
        addresses = {
            (family, address[0])
            for family, _, _, _, address in socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
        }
        with ExitStack() as stack:
            sets: list[list[socket.socket]] = [[] for _ in range(count)]
            for family, address in sorted(addresses):
                if not _is_supported(family):
                    continue
                port = _free_port(family, str(address), port)
                for of_slot in sets:
                    of_slot.append(stack.enter_context(_bound(family, str(address), port, True)))
            stack.pop_all()
            return sets
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"{host}:{port}") from error


def _free_port(family: int, address: str, port: int) -> int:
    """Return the port, or a free one for 0.

    With SO_REUSEPORT another server of the same user would share the port, so it is bound without
    it first. Raises: OSError: it is in use.
    """
    with _bound(family, address, port, False) as probe:
        try:
            probe.listen()
        except OSError as error:
            raise OSError(errno.EADDRINUSE, "Address already in use") from error
        return int(probe.getsockname()[1])


def _is_supported(family: int) -> bool:
    try:
        socket.socket(family, socket.SOCK_STREAM).close()
    except OSError:
        return False
    return True


def _bound(family: int, address: str, port: int, shared: bool) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.setblocking(False)
        made.bind((address, port))
    except OSError:
        made.close()
        raise
    return made
