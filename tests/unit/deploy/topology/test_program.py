"""Tests from which ports programs listen."""

from topology.program import LOWEST_PORT, port_range


def test_a_port_is_none_that_outgoing_connections_get() -> None:
    assert port_range(32768) == range(LOWEST_PORT, 32768)
    # This machine gives them nearly all its memory.
    assert port_range(1024) == range(LOWEST_PORT, 65536)
