"""Films, names, pictures and sounds of every kind, sent through a real server and judged."""
