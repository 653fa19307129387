"""States of one task that a subscriber receives one after the other."""


def may_follow(before: tuple[int, int | None], after: tuple[int, int | None]) -> bool:
    """Return whether a state may follow another one of the same epoch.

    Each is a sequence number and a place in the queue. The number grows, except that a task which
    has another place in the queue is sent again with its number.
    """
    if after[0] == before[0]:
        return after[1] not in (None, before[1])
    return after[0] > before[0]
