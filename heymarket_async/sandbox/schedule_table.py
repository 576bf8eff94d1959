"""The scheduled messages of the account."""

import msgspec
from msgspec import Struct

from heymarket_async.sandbox.readings import Readings
from heymarket_async.sandbox.record_table import Records, Written
from heymarket_async.sandbox.template_table import GalleryEntry


class Attachment(Struct, frozen=True, kw_only=True):
    """A file of a scheduled message."""

    url: str
    name: str = ""
    type: str = ""


class ScheduledContent(Struct, kw_only=True):
    """The content of a scheduled message, as reads show it."""

    text: str = ""
    to: list[str] = msgspec.field(default_factory=list[str])
    template: int = 0
    attachments: list[Attachment] = msgspec.field(default_factory=list[Attachment])
    gallery: list[GalleryEntry] = msgspec.field(default_factory=list[GalleryEntry])
    local_day: str = ""
    local_time: str = ""
    offset: int = 0


class Meta(Struct, kw_only=True):
    """The content of a scheduled message, and its target: one of the ids, or `content.to`."""

    content: ScheduledContent
    campaign_id: int = 0
    campaign_step_id: int = 0
    campaign_target_phone: str = ""
    conversation_id: int = 0
    list_id: int = 0


class ScheduleRecord(Written, kw_only=True):
    """A scheduled message as reads show it; what was written as `execute_at` is `execute` here.

    https://developers.heymarket.com/api-reference/schedule-get
    """

    execute: str
    inbox_id: int
    user_id: int
    meta: Meta
    op: str = "create"


class Schedules(Records[ScheduleRecord]):
    """The scheduled messages that are still to be sent.

    Attributes:
        ended: How the others ended, by their ids: "sent", or why they were not.
    """

    def __init__(self, readings: Readings, seed: int) -> None:
        super().__init__(ScheduleRecord, readings, seed, first_id=3001)
        self.ended: dict[int, str] = {}
