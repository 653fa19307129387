"""Hooks: an application is asked before an upload, and told what becomes of it.

Rule 1: what is told comes from the catalog, written in the transaction in which it happened: at least
once, whatever is killed; for one upload in order.
Rule 2: an application that does not answer delays nobody but itself; only ``pre-create`` is waited for.
"""

from tusd_py.hooks.callables import Hooks
from tusd_py.hooks.payload import Told

__all__ = ["Hooks", "Told"]
