"""Messages between a parent and a process that it started."""

import json

import pytest

from tusd_py.channel import Channel, ChannelClosed, MessageKind


def test_messages_of_a_newer_version_are_passed_over() -> None:
    ours, theirs = Channel.pair()
    there = Channel(theirs)
    for _ in range(2):
        theirs.send(json.dumps(["of a later version", 1]).encode())
        there.send(MessageKind.BEAT)
    assert ours.receive().kind is MessageKind.BEAT
    assert [message.kind for message in ours.waiting()] == [MessageKind.BEAT]
    assert ours.waiting() == []
    theirs.send(json.dumps(["of a later version", 1]).encode())
    there.close()
    with pytest.raises(ChannelClosed):
        ours.receive()
    with pytest.raises(ChannelClosed):
        ours.waiting()
    ours.close()
