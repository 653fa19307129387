"""Finds what a file is by its content."""
