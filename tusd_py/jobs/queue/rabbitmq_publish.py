"""Publishes one message, and again while the broker refuses it."""

from typing import Final

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import NackError

from tusd_py.backoff import Backoff
from tusd_py.jobs.queue.rabbitmq_topology import QUEUE

AFTER_NACK: Final = Backoff.doubling(0.1, 1.6)
"""Pauses before a refused message is published again.

A quorum queue refuses messages while it has no leader, for example just after its declaration and
after the death of a node.
"""
TRIES: Final = 6
"""Publications of a refused message; their pauses last 3.1 s together."""


PERSISTENT: Final = pika.BasicProperties(
    content_type="application/json", delivery_mode=pika.DeliveryMode.Persistent, headers={}
)
"""Properties of a message that survives a restart of the broker."""


def publish(
    channel: BlockingChannel,
    payload: bytes,
    *,
    queue: str = QUEUE,
    properties: pika.BasicProperties = PERSISTENT,
) -> None:
    """Publish a message that must reach the queue, on a channel with confirms. Blocks.

    Raises: NackError: the broker refused the message ``TRIES`` times; AMQPError.
    """
    for failures in range(1, TRIES + 1):
        try:
            channel.basic_publish("", queue, payload, properties, mandatory=True)
        except NackError:
            if failures == TRIES:
                raise
            channel.connection.sleep(AFTER_NACK.pause(failures))
        else:
            return
