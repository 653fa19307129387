"""Holds the truth: uploads, jobs, outbox, file pool and history."""
