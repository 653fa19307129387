"""Describes the failure of a service to operators: which one, at what address, and what it said."""

from tusd_py.domain.masking import masked


def failure_text(part: str, address: str, said: str) -> str:
    """Return ``the queue, RabbitMQ at host:5672: Connection refused``; secrets are masked.

    Args: part: what the service is to this program, and its kind; address: '' if it has none.
    """
    place = f" at {address}" if address else ""
    return masked(f"{part}{place}: {' '.join(said.split()) or 'no reason was given'}")
