"""Defines values and rules that all packages share: standard library only, no I/O, no clock."""
