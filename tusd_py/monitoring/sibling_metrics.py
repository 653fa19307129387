"""Shows the metrics of all processes of one port at whichever of them is scraped.

Each process answers at a socket of its own with its metrics, which have the label ``process``, its
number. The process that is scraped puts them together. One that is dead or stopped delays a scrape
by ``LIMIT_SECONDS`` at most, and ``tusd_process_up`` names it.
"""

import errno
import logging
import re
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from tusd_py.monitoring.probes import LIMIT_SECONDS
from tusd_py.siblings import Siblings, socket_address

log = logging.getLogger(__name__)

LABEL: Final = "process"
_END: Final = b"# EOF\n"
"""Shows that an answer is whole."""
_READ_BYTES: Final = 1 << 16
_RETRY_SECONDS: Final = 1.0
"""Pause after a failure to accept, such as too many open files."""
_FAMILY: Final = re.compile(rb"(# HELP .*\n# TYPE .*\n)((?:[^#].*\n)*)")
"""Head of a family, and its samples."""


def text_of_all(siblings: Siblings, registry: CollectorRegistry) -> bytes:
    """Return the metrics of all processes, those of this process from its registry."""
    answers = _queried(siblings)
    texts = {number: text for number, text in answers.items() if text is not None}
    texts[siblings.number] = _labelled_text(siblings.number, registry)
    up = GaugeMetricFamily(
        "tusd_process_up", "0: this process does not answer for its metrics", labels=[LABEL]
    )
    for number in sorted(answers.keys() | texts.keys()):
        up.add_metric([str(number)], number in texts)
    return _merged(texts[number] for number in sorted(texts)) + generate_latest(_Families([up]))


@contextmanager
def answering(siblings: Siblings, registry: CollectorRegistry) -> Iterator[None]:
    """Answer the other processes with the metrics of this one while the block runs."""
    place = siblings.directory / _name(siblings.number)
    place.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        with socket_address(siblings.directory, _name(siblings.number)) as address:
            listener.bind(address)
        listener.listen()
        thread = threading.Thread(
            target=_answer,
            args=(listener, lambda: _labelled_text(siblings.number, registry)),
            name="sibling-metrics",
            daemon=True,
        )
        thread.start()
        try:
            yield
        finally:
            place.unlink(missing_ok=True)
            # This wakes the thread, which closing does not.
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _name(number: int) -> str:
    return f"metrics.{number}"


# -- the process that answers


class _Families(Collector):
    """Collects families that are known."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _labelled_text(number: int, registry: CollectorRegistry) -> bytes:
    return generate_latest(_Families(_labelled(registry.collect(), str(number))))


def _labelled(families: Iterable[Metric], process: str) -> Iterator[Metric]:
    for family in families:
        found = Metric(family.name, family.documentation, family.type, family.unit)
        found.samples = [
            sample._replace(labels={**sample.labels, LABEL: process}) for sample in family.samples
        ]
        yield found


def _answer(listener: socket.socket, text: Callable[[], bytes]) -> None:
    """Answer until the socket is shut down."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError as error:
            if error.errno == errno.EINVAL:
                return
            log.warning("figures.not_answered", extra={"reason": str(error)})
            # Nothing reports that descriptors are free again; another try at once would spin.
            time.sleep(_RETRY_SECONDS)
            continue
        with connection:
            connection.settimeout(LIMIT_SECONDS)
            try:
                connection.sendall(text() + _END)
            except OSError as error:
                log.debug("figures.not_taken", extra={"reason": str(error)})
            except Exception:
                log.exception("figures.crashed")


# -- the process that asks


def _queried(siblings: Siblings) -> Mapping[int, bytes | None]:
    """Return what the other processes answer, by number; None: it does not answer in time."""
    deadline = time.monotonic() + LIMIT_SECONDS
    texts: dict[int, bytearray] = {}
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for number in siblings.numbers:
            if number == siblings.number:
                continue
            try:
                connection = stack.enter_context(_connected(siblings, number))
            except FileNotFoundError:
                continue
            except OSError as error:
                log.debug("figures.not_queried", extra={"number": number, "reason": str(error)})
                texts[number] = bytearray()
            else:
                text = texts[number] = bytearray()
                selector.register(connection, selectors.EVENT_READ, (connection, text))
        while selector.get_map() and (left := deadline - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                if not _read(*key.data):
                    selector.unregister(key.fileobj)
    return {
        number: bytes(text.removesuffix(_END)) if text.endswith(_END) else None
        for number, text in texts.items()
    }


def _connected(siblings: Siblings, number: int) -> socket.socket:
    """Return a connection to a process.

    Raises: FileNotFoundError: there is no process of this number; OSError: it does not answer.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        with socket_address(siblings.directory, _name(number)) as address:
            connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection


def _read(connection: socket.socket, text: bytearray) -> bool:
    """Add what has arrived; return whether more may come."""
    try:
        read = connection.recv(_READ_BYTES)
    except ConnectionError:
        return False
    text += read
    return bool(read)


def _merged(texts: Iterable[bytes]) -> bytes:
    """Return the samples of all texts, those of a family below one head."""
    families: dict[bytes, bytearray] = {}
    for head, samples in (match.groups() for text in texts for match in _FAMILY.finditer(text)):
        families.setdefault(head, bytearray()).extend(samples)
    return b"".join(head + samples for head, samples in families.items())
