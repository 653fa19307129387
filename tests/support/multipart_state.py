"""Keep the state of a multipart upload in memory, for puts outside a job."""

import threading
from dataclasses import replace

from tusd_py.domain.multipart import Multipart, Part


class MemoryMultipartState:
    """A ``MultipartState`` in memory; ``added`` lists the parts that were sent since its reset.

    Threads that send parts add them at the same time.
    """

    def __init__(self) -> None:
        self.mutex = threading.Lock()
        self.multipart: Multipart | None = None
        self.added: list[int] = []

    def load(self) -> Multipart | None:
        return self.multipart

    def begin(self, multipart: Multipart) -> None:
        self.multipart = multipart

    def add(self, part: Part) -> None:
        with self.mutex:
            assert self.multipart is not None
            self.multipart = replace(self.multipart, parts=(*self.multipart.parts, part))
            self.added.append(part.number)

    def clear(self) -> None:
        self.multipart = None
