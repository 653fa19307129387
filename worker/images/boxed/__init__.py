"""The program that reads and draws pictures. It runs in the sandbox and imports nothing of the project."""
