"""How a job reaches a worker."""
