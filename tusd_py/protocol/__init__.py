"""Translates header fields into commands and results into header fields, without I/O."""
