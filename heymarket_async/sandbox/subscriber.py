"""A subscriber of webhooks: the bodies that it gets, with the faults that a test has chosen.

Sources: https://developers.heymarket.com/concepts/webhooks, .../guides/webhooks and
.../api-reference/webhooks
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypedDict, get_type_hints

import msgspec
from msgspec import Raw

from heymarket_async.sandbox.readings import check_type

Shape: TypeAlias = Literal["event_data", "event", "inline", "named"]
Spelling: TypeAlias = Literal["recieved", "received", "both"]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Raw]).decode


class Options(TypedDict, total=False):
    """The options of a subscriber; most are faults.

    Attributes:
        kinds: The types of its events, such as "message_received"; None: all, the default.
        duplicate: How often every body is posted; 1 by default.
        at_once: How many bodies are posted at the same time; by default 1, in the order of events.
        group: How many events are held back to go out together; 1 by default.
        reorder: Whether a group goes out with its newest event first.
        as_array: Whether a group goes out as one array, also a group of 1.
        drop: Every event with a number divisible by this is never posted; 0: none, the default.
        delay_s: Seconds to wait before every post; 0 by default.
        shape: "event_data", the default, is that of the newer docs. The others are of older pages:
            "event" has this key in place of `type`; "inline" has the object's keys in place of
            `event_data`, and its `id` wins; "named" has the object as `message`, `chat` or
            `target`.
        spelling: How "message_received" is spelled: "recieved" as in the newer docs, the default,
            "received", or "both" by turns.
        empty_opt_outs: Whether `event_data` of an opt-out or opt-in is an empty object.
    """

    kinds: Collection[str] | None
    duplicate: int
    at_once: int
    group: int
    reorder: bool
    as_array: bool
    drop: int
    delay_s: float
    shape: Shape
    spelling: Spelling
    empty_opt_outs: bool


@dataclass(slots=True, kw_only=True)
class Subscriber:
    """A configuration of webhooks, as a user of the app makes it; see `Options`."""

    url: str
    token: str = field(repr=False)
    config_id: int
    kinds: Collection[str] | None = None
    duplicate: int = 1
    at_once: int = 1
    group: int = 1
    reorder: bool = False
    as_array: bool = False
    drop: int = 0
    delay_s: float = 0.0
    shape: Shape = "event_data"
    spelling: Spelling = "recieved"
    empty_opt_outs: bool = False
    _events: int = 0
    _held: list[bytes] = field(default_factory=list[bytes], repr=False)

    def __post_init__(self) -> None:
        """Check the options, since a wrong one would make a test pass for nothing."""
        for name, kind in get_type_hints(Options).items():
            if name != "kinds":
                check_type(name, getattr(self, name), kind)
        if isinstance(self.kinds, str):
            raise ValueError('kinds must be a list of types, such as ["message_sent"]')
        if min(self.duplicate, self.at_once, self.group) < 1 or min(self.drop, self.delay_s) < 0:
            raise ValueError(
                "duplicate, at_once and group must be at least 1, drop and delay_s at least 0"
            )
        if self.reorder and self.group == 1:
            raise ValueError("reorder needs a group of 2 or more events to put in another order")

    def take(self, kind: str, data: bytes) -> list[bytes]:
        """Return the bodies that go out because of an event; it may be held for its group."""
        kind = usual(kind)
        if self.kinds is not None and kind not in map(usual, self.kinds):
            return []
        self._events += 1
        if self.drop and self._events % self.drop == 0:
            return []
        self._held.append(self._event(kind, data))
        return self.flush() if len(self._held) >= self.group else []

    def flush(self) -> list[bytes]:
        """Return the bodies of the events that are still held for their group."""
        events, self._held = self._held, []
        if self.reorder:
            events.reverse()
        if self.as_array and events:
            events = [b"[" + b",".join(events) + b"]"]
        return [event for event in events for _ in range(self.duplicate)]

    def _event(self, kind: str, data: bytes) -> bytes:
        """Return the JSON of an event; in an inline one, the object's own `id` wins."""
        if self.empty_opt_outs and kind.startswith("target_opt_"):
            data = b"{}"
        name = "type" if self.shape == "event_data" else "event"
        about = {name: self._spelled(kind), "id": self.config_id, "token": self.token}
        if self.shape == "inline":
            return _encode({**about, **_decode(data)})
        named = kind.partition("_")[0] if self.shape == "named" else "event_data"
        return _encode({**about, named: Raw(data)})

    def _spelled(self, kind: str) -> str:
        """Return an event's type; the docs misspell one, and some pages do not."""
        wrong = self.spelling == "recieved" or (self.spelling == "both" and self._events % 2)
        return kind.replace("received", "recieved") if wrong else kind


def usual(kind: str) -> str:
    """Return an event's type in its right spelling."""
    return kind.replace("recieved", "received")
