"""A small tus client: what `tusd-py upload` is made of."""
