"""Receiving bodies: from the server's connection to the store, in slices."""
