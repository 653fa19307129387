"""Wakes workers when jobs are queued, and reopens or drops failed jobs for operators."""
