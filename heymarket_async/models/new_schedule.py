"""Messages to send later, and the times at which Heymarket sends them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import UNSET, UnsetType

from heymarket_async import timestamps
from heymarket_async.checks import id_of, list_of, one_of, phone_digits, text_of
from heymarket_async.models.schedule import ScheduleContent
from heymarket_async.privacy import hides_locals

AHEAD = timedelta(minutes=15)
"""The least time from now to a schedule."""
SLOT = timedelta(minutes=15)
"""The time from one slot to the next."""
_SPARE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RECIPIENTS = ("phone_number", "targets", "conversation_id", "list_id")
_CONTENTS = ("text", "template", "attachments", "gallery")


class NewSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """A message to send later, or all of one to update.

    Attributes:
        inbox_id: The inbox that sends it.
        execute_at: When it is sent: an aware datetime on a quarter hour, to the second. Slots are
            quarter hours in UTC, which are quarter hours on every clock of today: all zones are
            whole quarter hours away from UTC, as +05:45. `schedules.next_slot` returns one.
        content: Its text, its template, its attachments or its pictures.
        phone_number: The recipient: E.164 digits; one leading plus is taken off. Give exactly one
            of `phone_number`, `targets`, `conversation_id` and `list_id`.
        targets: The recipients of a group message: E.164 digits.
        conversation_id: The conversation to send it to.
        list_id: The list to send it to.
        local_id: An id of your own for it, which is read back.
        user_id: The user in whose name it is sent; the owner of the team if it is left out.

    Raises:
        ValueError: A field breaks its rule; the message names the field and the rule.

    https://developers.heymarket.com/api-reference/schedule
    """

    inbox_id: int
    execute_at: datetime
    content: ScheduleContent
    phone_number: str | UnsetType = UNSET
    targets: Sequence[str] | UnsetType = UNSET
    conversation_id: int | UnsetType = UNSET
    list_id: int | UnsetType = UNSET
    local_id: str | UnsetType = UNSET
    user_id: int | UnsetType = UNSET

    @hides_locals
    def __post_init__(self) -> None:
        id_of("inbox_id", self.inbox_id)
        _set(self, "execute_at", _slot(self.execute_at))
        one_of("content", self.content, ScheduleContent)
        if not any(getattr(self.content, name) for name in _CONTENTS):
            raise ValueError(f"content needs one of {', '.join(_CONTENTS)}")
        if sum(getattr(self, name) is not UNSET for name in _RECIPIENTS) != 1:
            raise ValueError(f"exactly one of {', '.join(_RECIPIENTS)} is needed")
        if self.phone_number is not UNSET:
            _set(self, "phone_number", phone_digits(self.phone_number, "phone_number"))
        if self.targets is not UNSET:
            phones = list_of("targets", self.targets, str)
            if not phones:
                raise ValueError("targets must not be empty")
            _set(self, "targets", [phone_digits(each, "each of targets") for each in phones])
        for name in ("conversation_id", "list_id", "user_id"):
            if (value := getattr(self, name)) is not UNSET:
                id_of(name, value)
        if self.local_id is not UNSET:
            text_of("local_id", self.local_id)


def check_is_ahead(schedule: NewSchedule, now: datetime) -> None:
    """Make sure that a message is scheduled far enough ahead.

    Raises:
        ValueError: It is not.
    """
    if schedule.execute_at < now + AHEAD:
        raise ValueError(
            "execute_at must be at least 15 minutes ahead, by the clock of this machine;"
            " schedules.next_slot returns the next time that is allowed"
        )


def next_slot(when: datetime, now: datetime) -> datetime:
    """Return the first slot at or after a time that may be scheduled now, in the zone of `when`.

    A slot that is only just far enough ahead would be too near when it is sent. So a minute more
    is left.

    Raises:
        ValueError: `when` is naive, or after the last day of the calendar.
    """
    earliest = max(timestamps.in_utc("when", when), now + AHEAD + _SPARE)
    try:
        # In UTC: sums in a zone whose clocks change may be an hour wrong.
        return (earliest + (_EPOCH - earliest) % SLOT).astimezone(when.tzinfo)
    except OverflowError:
        raise ValueError("when must be before the end of the year 9999") from None


def _slot(when: datetime) -> datetime:
    """Return a time in UTC, and check that it is a slot."""
    moment = timestamps.in_utc("execute_at", when)
    if moment.astimezone(when.tzinfo).replace(tzinfo=None) != when.replace(tzinfo=None):
        raise ValueError(
            "execute_at must be a time that its zone has: clocks are set forward over this one"
        )
    if (moment - _EPOCH) % SLOT:
        raise ValueError(
            "execute_at must be on a quarter hour, with no seconds; schedules.next_slot returns one"
        )
    return moment


def _set(schedule: NewSchedule, name: str, value: object) -> None:
    msgspec.structs.force_setattr(schedule, name, value)
