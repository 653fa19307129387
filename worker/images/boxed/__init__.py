"""Reads and draws pictures in the sandbox. The program imports nothing of the project."""
