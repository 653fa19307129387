"""What a client raises."""


class Refused(Exception):
    """Raised when the server says no, for good; the text is its sentence."""


class Unreachable(Exception):
    """Raised when the server could not be reached, or made no progress, time after time."""
