"""Counts what is open at one machine: connections, streams, archives."""
