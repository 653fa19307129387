"""Declares the broker's topology: a quorum queue and its dead letters (requirements S15, S17)."""

from typing import Final

from pika.adapters.blocking_connection import BlockingChannel

QUEUE: Final = "file_upload_queue"
DEAD_LETTER_EXCHANGE: Final = "file_upload_dlx"
DEAD_LETTER_QUEUE: Final = "file_upload_queue.dlq"


def declare(channel: BlockingChannel) -> None:
    """Declare the topology. It raises if the broker has it with other arguments."""
    channel.exchange_declare(DEAD_LETTER_EXCHANGE, "fanout", durable=True)
    channel.queue_declare(DEAD_LETTER_QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
    channel.queue_bind(DEAD_LETTER_QUEUE, DEAD_LETTER_EXCHANGE)
    channel.queue_declare(
        QUEUE,
        durable=True,
        arguments={
            "x-queue-type": "quorum",
            "x-dead-letter-exchange": DEAD_LETTER_EXCHANGE,
            # No dead letter is lost between the two queues; this requires x-overflow, too.
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
    )
