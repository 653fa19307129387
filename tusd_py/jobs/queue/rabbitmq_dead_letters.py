"""Reads, delivers again or drops the dead letters of RabbitMQ."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from pika.adapters.blocking_connection import BlockingChannel

from tusd_py.jobs.queue.codec import Undecodable, decode
from tusd_py.jobs.queue.port import DeadLetter
from tusd_py.jobs.queue.rabbitmq_publish import publish
from tusd_py.jobs.queue.rabbitmq_topology import DEAD_LETTER_QUEUE


@contextmanager
def _dead_letters(
    channel: BlockingChannel,
) -> Iterator[tuple[BlockingChannel, Iterator[tuple[int, DeadLetter]]]]:
    """Yield a channel of its own, and each dead letter with its delivery tag on that channel.

    When the channel ends, dead letters that were not acknowledged return to their queue.
    """
    own = channel.connection.channel()
    own.confirm_delivery()

    def letters() -> Iterator[tuple[int, DeadLetter]]:
        while True:
            method, properties, body = own.basic_get(DEAD_LETTER_QUEUE)
            if method is None or properties is None or body is None:
                return
            yield method.delivery_tag or 0, _dead_letter(body, properties.headers or {})

    try:
        yield own, letters()
    finally:
        own.close()


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


def read(channel: BlockingChannel) -> list[DeadLetter]:
    """Return all dead letters, oldest first; they stay in their queue."""
    with _dead_letters(channel) as (_, letters):
        return [letter for _, letter in letters]


def settle(channel: BlockingChannel, ids: Collection[str], *, again: bool) -> set[str]:
    """Deliver dead letters with these ids again, or drop them; return the ids that existed."""
    settled = set()
    with _dead_letters(channel) as (own, letters):
        for tag, letter in letters:
            if letter.id not in ids:
                continue
            if again:
                publish(own, letter.payload)
            own.basic_ack(tag)
            settled.add(letter.id)
    return settled
