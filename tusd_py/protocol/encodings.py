"""Decides in which encoding a client takes a content (RFC 9110, 12.5.3)."""

from tusd_py.protocol.fields import Fields


def accepts_gzip(fields: Fields) -> bool:
    """Return whether a request names gzip, or ``*``, without refusing it by a weight of 0."""
    weights: dict[str, float] = {}
    for part in (fields.joined("accept-encoding") or "").split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weights[name] = min((_weight(one) for one in parameters), default=1.0)
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _weight(parameter: str) -> float:
    """Return the weight of ``q=...``; 0 for one that can't be read, so that nothing is assumed."""
    name, _, value = parameter.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
