"""Moves jobs from the outbox to a queue, and retries or drops failed jobs for operators."""
