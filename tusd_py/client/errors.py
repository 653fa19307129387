"""Define the errors of the client."""


class Refused(Exception):
    """Raised when the server refuses a request permanently; the text is the server's sentence."""

    def __init__(self, sentence: str, code: str = "") -> None:
        """Take the sentence, and the stable code of the server's error if there is one."""
        super().__init__(sentence)
        self.code = code


class Unreachable(Exception):
    """Raised when the server could not be reached, or made no progress, in all tries."""


class TransientFailure(Exception):
    """Raised when a later try may succeed, after a request for the offset."""

    def __init__(
        self,
        sentence: str,
        retry_after: float = 0.0,
        *,
        permanent: bool = False,
    ) -> None:
        """Describe a failure.

        Args: retry_after: seconds that the server states; permanent: the failure does not pass by
            itself, such as an unknown host name, unless the server has answered before.
        """
        super().__init__(sentence)
        self.retry_after = retry_after
        self.permanent = permanent
