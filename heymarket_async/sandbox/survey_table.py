"""The surveys of the account, which are made in the app."""

import random

import msgspec
from msgspec import Struct

from heymarket_async.sandbox.people import made_up
from heymarket_async.sandbox.readings import Readings
from heymarket_async.sandbox.stamps import BASE, SECOND
from heymarket_async.sandbox.table import Stored, Table


class SurveyRecord(Struct, kw_only=True):
    """A survey as reads show it.

    https://developers.heymarket.com/api-reference/surveys
    """

    id: int
    name: str
    type: str = "rating"
    question: str
    created: str
    updated: str


class Surveys(Table[Stored]):
    """The surveys of the account."""

    def __init__(self, readings: Readings, seed: int) -> None:
        super().__init__(readings, random.Random(seed), first_id=801)  # noqa: S311 - no secret
        for place, (name, question) in enumerate(made_up().surveys.items()):
            self.create(name, question, now_s=BASE // SECOND + place)

    def create(self, name: str, question: str, *, now_s: float = 0.0) -> int:
        """Store a new survey and return its id.

        Args:
            name: Its name.
            question: Its question.
            now_s: Seconds since 1970; it is never older than the newest survey.
        """
        with self.lock:
            stamp = self.stamp(now_s)
            time, survey_id = self.written(stamp), self.new_id()
            record = SurveyRecord(
                id=survey_id, name=name, question=question, created=time, updated=time
            )
            self.add(Stored(stamp, survey_id, msgspec.json.encode(record)))
        return survey_id
