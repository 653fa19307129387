"""Holds the live view of tasks, and streams their changes to clients."""
