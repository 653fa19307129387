"""What server and worker tell of themselves: whether they can work, and figures."""
