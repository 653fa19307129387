"""Implements the use cases of uploads on the ports; it knows no status codes.

There are three kinds of functions here:

1. Verbs are ``async`` and never block: ``create``, ``append``, ``receive``, ``finish``,
   ``inspect``, ``terminate``. They run on the event loop.
2. Programs are generators that run in a thread, and yield an ``Effect`` wherever several uploads
   can share one transaction or one sync (``programs``). Their names end in ``_program``.
3. ``WriteSession`` is plain blocking code, under the lock of its upload: it writes the file, its
   running hash and the checksum of the chunk. Where it commits or syncs, its methods are programs.
"""
