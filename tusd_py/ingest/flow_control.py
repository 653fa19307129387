"""Decides when a connection reads: only if no request waits and all received bytes are parsed."""

from collections.abc import Sized
from typing import TYPE_CHECKING, Protocol

from uvicorn.protocols.http.flow_control import FlowControl

if TYPE_CHECKING:
    import asyncio


class _Connection(Protocol):
    @property
    def pipeline(self) -> Sized:
        """Return the requests that wait for the answer to the one before them."""
        ...


class ConnectionFlow(FlowControl):
    """Pauses reading while requests wait to be answered, or received bytes wait to be parsed."""

    def __init__(self, transport: "asyncio.Transport", connection: _Connection) -> None:
        super().__init__(transport)
        self._connection = connection
        self._is_held = False

    def pause_reading(self) -> None:
        """Stop reading."""
        if self._is_held:
            self.read_paused = True
        else:
            super().pause_reading()

    def resume_reading(self) -> None:
        """Continue reading, unless a request waits."""
        if not self.read_paused or self._connection.pipeline:
            return
        if self._is_held:
            self.read_paused = False
        else:
            super().resume_reading()

    def hold(self) -> None:
        """Stop reading until ``release``, also when ``resume_reading`` is called before it."""
        if not self._is_held and not self.read_paused:
            self._transport.pause_reading()
        self._is_held = True

    def release(self) -> None:
        """Continue reading, unless ``pause_reading`` was called in the meantime."""
        if self._is_held and not self.read_paused and not self._transport.is_closing():
            self._transport.resume_reading()
        self._is_held = False
