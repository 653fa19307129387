"""A deployment as its clients see it: everything by requests to its address, nothing by its files."""
