"""Tests that only a new position counts as progress of a program."""

from tusd_py.worker.media.position import Position


def test_only_a_further_position_is_progress() -> None:
    seen: list[float] = []
    position = Position(seen.append)
    assert position.seconds is None
    lines = {
        "out_time_us=N/A": False,
        "out_time_us=-5": False,
        "frame=7": False,
        "out_time_us=500000": True,
        "out_time_us=500000\r": False,
        "out_time_us=400000": False,
        "out_time_us=500000 ": False,
        "out_time_us=2000000": True,
        "out_time_us=99999999999999999999": False,
    }
    assert {line: position.on_line(line) for line in lines} == lines
    assert (seen, position.seconds) == ([0.5, 2.0], 2.0)


def test_the_start_is_a_position() -> None:
    position = Position()
    assert position.on_line("out_time_us=0")
    assert not position.on_line("out_time_us=0")
    assert position.seconds == 0.0
