"""Pictures: what is made of them, and the program in the sandbox that makes it."""
