"""Reads, delivers again or drops the dead letters of RabbitMQ.

A letter that is read and stays returns to its queue. RabbitMQ 4 drops a message that returned 20
times (``x-delivery-limit`` of quorum queues), and an existing queue can't be declared with another
limit: after ``RENEW_FROM`` returns the letters are replaced by copies, whose count begins at 0.
"""

from collections.abc import Callable, Collection, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Final

import pika
from pika.adapters.blocking_connection import BlockingChannel

from tusd_py.jobs.queue.codec import Undecodable, decode
from tusd_py.jobs.queue.port import DeadLetter
from tusd_py.jobs.queue.rabbitmq_publish import PERSISTENT, publish
from tusd_py.jobs.queue.rabbitmq_topology import DEAD_LETTER_QUEUE

RENEW_FROM: Final = 10
_RETURNS: Final = "x-delivery-count"
"""Header in which a quorum queue counts how often a message returned."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """Is a dead letter as it was received."""

    tag: int
    properties: pika.BasicProperties
    letter: DeadLetter

    @property
    def returns(self) -> int:
        count = (self.properties.headers or {}).get(_RETURNS, 0)
        return count if isinstance(count, int) else 0


def read(channel: BlockingChannel) -> list[DeadLetter]:
    """Return all dead letters, oldest first; they stay in their queue."""
    return [taken.letter for taken in _take_all(channel, lambda _own, _taken: False)]


def settle(channel: BlockingChannel, ids: Collection[str], *, again: bool) -> set[str]:
    """Deliver dead letters with these ids again, or drop them; return the ids that existed."""

    def settled(own: BlockingChannel, taken: _Taken) -> bool:
        if taken.letter.id not in ids:
            return False
        if again:
            publish(own, taken.letter.payload)
        return True

    return {taken.letter.id for taken in _take_all(channel, settled)} & set(ids)


def _take_all(
    channel: BlockingChannel, is_settled: Callable[[BlockingChannel, _Taken], bool]
) -> list[_Taken]:
    """Return all dead letters; those that are settled leave the queue, the others stay there."""
    # After an error, messages that were not acknowledged return when the channel ends.
    own = channel.connection.channel()
    own.confirm_delivery()
    found: list[_Taken] = []
    left: list[_Taken] = []
    try:
        while (taken := _take(own)) is not None:
            found.append(taken)
            if is_settled(own, taken):
                own.basic_ack(taken.tag)
            else:
                left.append(taken)
        if any(taken.returns >= RENEW_FROM for taken in left):
            _renew(own, left)
        elif left:
            # The next look finds them. Those that the end of a channel returns may come after it.
            own.basic_nack(left[-1].tag, multiple=True, requeue=True)
    finally:
        own.close()
    return found


def _take(own: BlockingChannel) -> _Taken | None:
    method, properties, body = own.basic_get(DEAD_LETTER_QUEUE)
    if method is None or properties is None or body is None:
        return None
    return _Taken(
        method.delivery_tag or 0, properties, _dead_letter(body, properties.headers or {})
    )


def _renew(own: BlockingChannel, letters: Collection[_Taken]) -> None:
    """Replace letters by copies in the same order; the death of this process leaves both."""
    for taken in letters:
        properties = copy(taken.properties)
        properties.headers = {**(properties.headers or {})}
        properties.headers.pop(_RETURNS, None)
        properties.delivery_mode = PERSISTENT.delivery_mode
        publish(own, taken.letter.payload, queue=DEAD_LETTER_QUEUE, properties=properties)
        own.basic_ack(taken.tag)


def _dead_letter(payload: bytes, headers: Mapping[str, object]) -> DeadLetter:
    reason = headers.get("reason")
    if reason is None:
        # The broker has no other reason than that the message was rejected.
        try:
            decode(payload)
            reason = headers.get("x-first-death-reason", "")
        except Undecodable as error:
            reason = error
    return DeadLetter(payload=payload, reason=str(reason))
