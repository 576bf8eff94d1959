"""Messages that are sent later."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from heymarket_async.checks import one_of
from heymarket_async.endpoints.group import Group
from heymarket_async.models.answered import Ref
from heymarket_async.models.new_schedule import NewSchedule, check_is_ahead, next_slot
from heymarket_async.models.schedule import Schedule
from heymarket_async.request import Endpoint, Repeat

_BY_ID, _ID = "/v1/schedule/{id}", {"id": "id"}

CREATE = Endpoint("POST", "/v1/schedule", Ref, Repeat.UNSAFE)
GET = Endpoint("GET", _BY_ID, Schedule, Repeat.READ, one=True, id_fields=_ID)
UPDATE = Endpoint("PUT", _BY_ID, Ref, Repeat.IDEMPOTENT, id_fields=_ID)
# It may be gone because it was sent. So "not found" after a lost answer does not mean "cancelled".
DELETE = Endpoint(
    "DELETE", _BY_ID, type(None), Repeat.IDEMPOTENT, id_fields=_ID, gone_is_done=False
)


class Schedules(Group):
    """Messages that are sent later: `client.schedules`.

    Heymarket sends on quarter hours, and takes a message no later than 15 minutes before. It has no
    call that lists the schedules: keep their ids.
    """

    _wall = staticmethod(time.time)

    def next_slot(self, when: datetime) -> datetime:
        """Return the first time, at or after this one, for which a message may be scheduled now.

        It is a quarter hour in UTC, and at least 16 minutes ahead by the clock of this machine: a
        minute more than Heymarket asks for, so that it is still allowed when it is sent.

        Args:
            when: An aware datetime; the result has its zone. A time that clocks skip counts as
                Python counts it, by the offset from before.

        Raises:
            ValueError: `when` is a naive datetime.

        https://developers.heymarket.com/api-reference/schedule
        """
        return next_slot(when, self._now())

    async def create(self, schedule: NewSchedule) -> Ref:
        """Schedule a message, and return its id.

        It is not repeated once it may have been carried out, since people would get the message
        twice. It then raises with `may_have_taken_effect`. There is no call that shows whether it
        was created: look in Heymarket before you try again.

        Raises:
            ValueError: It is less than 15 minutes ahead; nothing was sent.
            BadRequestError: A field is invalid.

        https://developers.heymarket.com/api-reference/schedule
        """
        return await self._send(CREATE.request(body=self._checked(schedule), about={}))

    async def get(self, schedule_id: int) -> Schedule:
        """Return a scheduled message.

        Raises:
            NotFoundError: No schedule has this id: it was never there, was deleted, or was sent.

        https://developers.heymarket.com/api-reference/schedule-get
        """
        return await self._send(GET.request(id=schedule_id))

    async def update(self, schedule_id: int, schedule: NewSchedule) -> Ref:
        """Replace all of a scheduled message, and return its id.

        Raises:
            ValueError: It is less than 15 minutes ahead; nothing was sent.
            NotFoundError: No schedule has this id; perhaps it was sent.
            BadRequestError: A field is invalid.

        https://developers.heymarket.com/api-reference/schedule
        """
        return await self._send(UPDATE.request(id=schedule_id, body=self._checked(schedule)))

    async def delete(self, schedule_id: int) -> None:
        """Cancel a scheduled message.

        Unlike other deletes, a repeat that finds nothing after a lost answer is not a success: the
        message may have been sent meanwhile.

        Raises:
            NotFoundError: No schedule has this id; perhaps it was sent. With
                `may_have_taken_effect`, an answer was lost before, and it is unknown whether the
                message was cancelled or sent.

        https://developers.heymarket.com/api-reference/schedule
        """
        await self._send(DELETE.request(id=schedule_id))

    def _checked(self, schedule: NewSchedule) -> NewSchedule:
        one_of("schedule", schedule, NewSchedule)
        check_is_ahead(schedule, self._now())
        return schedule

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._wall(), UTC)
