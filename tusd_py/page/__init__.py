"""The page at ``/``: its source, and what is built from it."""
