"""Reports whether server and worker can work, and their metrics."""
