"""Jobs: from the outbox to a queue, and what operators do with those that failed."""
