"""Defines the settings, their sections, and the sources from which they are read."""
