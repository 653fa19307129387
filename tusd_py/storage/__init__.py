"""Stores the bytes of unfinished uploads."""
