"""One writer per upload."""
