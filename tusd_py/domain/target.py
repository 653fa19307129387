"""Defines the request to an endpoint (its target) whose body an upload keeps, and its answer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRequest:
    """Is the head of the request that the target gets when the body is complete."""

    method: str
    path: str
    """Path below the mount, percent-encoded, with its query if it has one."""
    content_type: str
    """Content-Type as received; '' if there was none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetAnswer:
    """Is the final answer of a target, as it is sent to the client."""

    status: int
    fields: tuple[tuple[str, str], ...]
    """Header fields in their order."""
    body: bytes
