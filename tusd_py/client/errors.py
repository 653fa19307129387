"""Define the errors of the client."""


class Refused(Exception):
    """Raised when the server refuses a request permanently; the text is the server's sentence."""

    def __init__(self, sentence: str, code: str = "") -> None:
        """Take the sentence, and the stable code of the server's error if there is one."""
        super().__init__(sentence)
        self.code = code


class Unreachable(Exception):
    """Raised when the server could not be reached, or made no progress, in all tries."""
