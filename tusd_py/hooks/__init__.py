"""Hooks let an application refuse an upload before it starts, and receive its later events.

Rule 1: events are read from the catalog, which writes each in the transaction of its change. They
are delivered at least once, whatever process is killed, and in order for one upload.
Rule 2: an application that does not answer delays only its own events; a request waits only for
``pre-create``.
"""

from tusd_py.domain.hook import HookRequest, UploadChange
from tusd_py.hooks.callables import Hooks
from tusd_py.hooks.payload import HookNotification

__all__ = ["HookNotification", "HookRequest", "Hooks", "UploadChange"]
