"""Define the errors of the client."""


class Refused(Exception):
    """Raised when the server refuses a request permanently; the text is the server's sentence."""


class Unreachable(Exception):
    """Raised when the server could not be reached, or made no progress, in all tries."""
