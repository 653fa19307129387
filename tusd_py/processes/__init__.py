"""Runs several server processes on one port, and a worker process, under one parent."""
