"""The error for a delivery that is not taken."""

from __future__ import annotations


class WebhookError(Exception):
    """A delivery is not taken. The text says why, and holds nothing of the delivery.

    Attributes:
        status: The HTTP status to answer with. 400: its body cannot be read. 401: its token is
            missing, or is not one of yours. 413: its body is too large. 503: not now, but
            Heymarket should deliver it again.
    """

    def __init__(self, message: str = "", *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
