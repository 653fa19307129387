"""Check a deployment as its clients see it: by requests to its address, never by its files."""
