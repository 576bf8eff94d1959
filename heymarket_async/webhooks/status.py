"""The order in which the statuses of a message follow each other."""

from __future__ import annotations

from heymarket_async.models.message import MessageStatus

_RANKS: dict[str, int] = {
    MessageStatus.QUEUED: 1,
    MessageStatus.ACCEPTED: 2,
    MessageStatus.SENDING: 3,
    MessageStatus.RECEIVING: 3,
    MessageStatus.SENT: 4,
    MessageStatus.UNDELIVERED: 5,
    MessageStatus.FAILED: 5,
    MessageStatus.DELIVERED: 5,
    MessageStatus.SEEN: 6,
}


def status_rank(status: str | None) -> int:
    """Return how far along a message with this status is: a later status has a higher rank.

    Statuses that end a message, such as "delivered" and "failed", have the same rank. A status that
    is not known has rank 0, and None has rank -1.
    """
    return -1 if status is None else _RANKS.get(status, 0)


def replaces_status(status: str | None, known: str | None) -> bool:
    """Return True if a status that arrives is a later one than the known status.

    Events may come in any order. So keep the known status where this is False: a late "sent" must
    not undo "delivered".
    """
    return status_rank(status) > status_rank(known)
