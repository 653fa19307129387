"""What users follow: the live view of tasks, and its listeners."""
