"""Answers HTTP requests: the tus endpoint, the original API, events and the table of errors."""
