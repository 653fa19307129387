"""Routes: the tus endpoint, the original API, events, and the one table of errors."""
