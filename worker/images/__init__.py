"""Plans the renditions of a picture, and holds the sandboxed program that makes them."""
