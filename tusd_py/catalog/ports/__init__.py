"""Promises of the catalog, one port for each subject (decision 2: the catalog is the truth).

Rule 1: every method is one transaction: atomic, and durable against power loss when it returns.
Rule 2: all times are those of the catalog's own clock.
Rule 3: every method blocks, may be called from any thread, and raises BackendError when the
database cannot be reached.
"""
