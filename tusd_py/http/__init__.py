"""Routes: the tus endpoint, the seed's API, events, and the one table of errors."""
