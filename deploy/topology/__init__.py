"""Runs the whole topology on one machine from Debian packages, for ``deploy/local``.

Only this package starts the server programs privately; the tests use it too.
"""
