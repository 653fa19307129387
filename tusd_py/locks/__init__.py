"""Locks uploads, so that each has one writer."""
