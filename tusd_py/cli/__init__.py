"""The command line: serve, worker, upload, gc, dead-letters, config."""
