"""Scheduled messages as answers show them, and the content that is written and read alike."""

from __future__ import annotations

from datetime import datetime

from heymarket_async.models.answered import Answered, Stamped, moment
from heymarket_async.models.template import GalleryEntry


class Attachment(Answered, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A file of a scheduled message. A field that is None is not sent.

    Attributes:
        type: Its kind; the values are not documented.
    """

    name: str | None = None
    type: str | None = None
    url: str | None = None


class ScheduleContent(Answered, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The content of a scheduled message, to write or as read. A field that is None is not sent.

    Attributes:
        text: Its text.
        to: Not described.
        template: The template: its id, or an object such as `{"id": 601}`. The documentation shows
            an object where it is written, and an integer where it is read.
        attachments: Files.
        gallery: Pictures.
        local_day: As read; not described.
        local_time: As read; not described.
        offset: As read; not described.
    """

    text: str | None = None
    to: object = None
    template: object = None
    attachments: list[Attachment] | None = None
    gallery: list[GalleryEntry] | None = None
    local_day: object = None
    local_time: object = None
    offset: object = None


class ScheduleMeta(Answered, frozen=True, kw_only=True, gc=False):
    """The content of a schedule, and its recipients.

    Attributes:
        conversation_id: The conversation that it is sent to.
        list_id: The list that it is sent to.
        campaign_id: The campaign that it is a step of.
    """

    content: ScheduleContent | None = None
    conversation_id: int | None = None
    list_id: int | None = None
    campaign_id: int | None = None
    campaign_step_id: int | None = None
    campaign_target_phone: str | None = None


class Schedule(Stamped, frozen=True, kw_only=True, gc=False):
    """A message that is sent later; a field that the server did not send is None.

    Attributes:
        execute: When it is sent, as the server wrote it; `execute_at` is the datetime.
        meta: Its content, and its recipients.
        local_id: The id that its author gave it.
        op: The last operation; its values are not documented.

    https://developers.heymarket.com/api-reference/schedule-get
    """

    id: int | None = None
    inbox_id: int | None = None
    execute: str | None = None
    meta: ScheduleMeta | None = None
    local_id: str | None = None
    team_id: int | None = None
    user_id: int | None = None
    rev: int | None = None
    op: str | None = None

    @property
    def execute_at(self) -> datetime | None:
        """`execute` as an aware datetime in UTC; None if it is not a time, or in year 1."""
        return moment(self.execute)
