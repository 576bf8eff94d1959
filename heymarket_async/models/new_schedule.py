"""Messages to send later, and the times at which Heymarket sends them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from heymarket_async import timestamps
from heymarket_async.checks import group_of, id_of, is_int, one_of, phone_digits, text_of
from heymarket_async.models.by_name import ByName
from heymarket_async.models.schedule import Attachment, ScheduleContent
from heymarket_async.models.template import GalleryEntry, urls_of
from heymarket_async.privacy import hides_locals

AHEAD = timedelta(minutes=15)
"""The least time from now to a schedule."""
SLOT = timedelta(minutes=15)
"""The time from one slot to the next."""
_SPARE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RECIPIENTS = ("phone_number", "targets", "conversation_id", "list_id")


class NewSchedule(ByName, frozen=True, kw_only=True, omit_defaults=True):
    """A message to send later, or all of one to update. A field that is None is not sent.

    Attributes:
        inbox_id: The inbox that sends it.
        execute_at: When it is sent: an aware datetime on a quarter hour, to the second. Slots are
            quarter hours in UTC, which are quarter hours on every clock of today: all zones are
            whole quarter hours away from UTC, as +05:45. `schedules.next_slot` returns one.
        content: Its text or its template, its attachments, its pictures: at least one of them.
        phone_number: The recipient: E.164 digits; one leading plus is taken off. Give exactly one
            of `phone_number`, `targets`, `conversation_id` and `list_id`.
        targets: The phones of a group, two or more; doubles are taken out.
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
    phone_number: str | None = None
    targets: Sequence[str] | None = None
    conversation_id: int | None = None
    list_id: int | None = None
    local_id: str | None = None
    user_id: int | None = None

    @hides_locals
    def __post_init__(self) -> None:
        id_of("inbox_id", self.inbox_id)
        _set(self, "execute_at", _slot(self.execute_at))
        _check_content(one_of("content", self.content, ScheduleContent))
        if sum(getattr(self, name) is not None for name in _RECIPIENTS) != 1:
            raise ValueError(f"exactly one of {', '.join(_RECIPIENTS)} is needed")
        if self.phone_number is not None:
            _set(self, "phone_number", phone_digits(self.phone_number, "phone_number"))
        if self.targets is not None:
            _set(self, "targets", group_of("targets", self.targets))
        for name in ("conversation_id", "list_id", "user_id"):
            if (value := getattr(self, name)) is not None:
                id_of(name, value)
        if self.local_id is not None:
            text_of("local_id", self.local_id)


def _check_content(content: ScheduleContent) -> None:
    """Make sure that a content can be sent.

    Reads may show an absent value as "", 0 or an empty list, so these can be written too.
    """
    text, template, nothing = content.text, content.template, type(None)
    if one_of("content.text", text, (str, nothing)):
        text_of("content.text", text)
    if one_of("content.template", template, (int, Mapping, nothing)) and is_int(template):
        id_of("content.template", template)
    if text and template:
        raise ValueError(
            "content.text and content.template exclude each other: it is not documented which of"
            " them would be sent"
        )
    attached = urls_of("content.attachments", content.attachments, Attachment)
    pictures = urls_of("content.gallery", content.gallery, GalleryEntry)
    if not (text or template or attached or pictures):
        raise ValueError(
            "content needs text, template, or the url of one of its attachments or its gallery"
        )


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
