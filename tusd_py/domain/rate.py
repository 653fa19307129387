"""Computes the rate limits of one user, on plain values.

The generic cell rate algorithm (ITU-T I.371): one number holds how far ahead of its time a user is.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """Allows ``amount`` units every ``seconds``; they may all come at once."""

    amount: float
    seconds: float

    def cost(self, units: float) -> float:
        """Return the seconds that ``units`` units take."""
        return units * self.seconds / self.amount


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRates:
    """Holds the rates of one user in a deployment; None: no limit."""

    requests: Rate | None = None
    bytes: Rate | None = None

    @property
    def is_unlimited(self) -> bool:
        """Whether no rate is set."""
        return self == UserRates()


def charged(paid_until: float, now: float, *, cost: float, burst: float) -> tuple[float, float]:
    """Charge for ``cost`` seconds' worth. All values are seconds of one clock.

    Args: paid_until: what the last charge returned; any past time for the first.
        burst: seconds' worth that may be used ahead of time.
    Returns: the new ``paid_until``, and how long to wait until it is paid.
    """
    until = max(paid_until, now - burst) + cost
    return until, max(0.0, until - now)
