"""Receives request bodies in slices, from the server's connection to the store."""
