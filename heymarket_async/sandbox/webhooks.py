"""Outgoing webhooks: what happens in the account, posted to the URLs of subscribers."""


class Webhooks:
    """The webhooks of the account."""

    def __init__(self) -> None:
        self._subscribers: list[tuple[str, str]] = []

    def add(self, url: str, token: str) -> int:
        """Post every event to a URL from now on, and return the configuration's id."""
        self._subscribers.append((url, token))
        return len(self._subscribers)

    def emit(self, kind: str, event_data: object) -> None:
        """Tell the subscribers of an event; nothing happens without any.

        Args:
            kind: Its type, such as "message_sent"; "message_received" is spelled as subscribers
                have asked for.
            event_data: The message, the conversation or the contact, as JSON shows it.
        """
