"""This package with one of its layers turned off, or with one more turned on."""

from __future__ import annotations

import logging

from benchmarks.rivals.ours import ByPage, new_contact
from heymarket_async import ApiKey, AttemptEvent, RetryPolicy

_KEY = ApiKey("k" * 180)
_ONCE = RetryPolicy(attempts=1)
_NUMBER = 1234


class Retry(ByPage):
    def __init__(self, url: str) -> None:
        super().__init__(url, retry=_ONCE)


class Pacing(ByPage):
    def __init__(self, url: str) -> None:
        super().__init__(url, rate_limit=None)


class Signing(ByPage):
    def __init__(self, url: str) -> None:
        super().__init__(url, credentials=_KEY)


class AllThree(ByPage):
    def __init__(self, url: str) -> None:
        super().__init__(url, credentials=_KEY, rate_limit=None, retry=_ONCE)


class Building(ByPage):
    """Creates a contact that was built and checked before."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._contact = new_contact(_NUMBER)

    async def create(self, number: int) -> int:
        ref = await self.client.contacts.create(self._contact)
        assert ref.id == _NUMBER
        return number


class WithHook(ByPage):
    """Counts attempts."""

    def __init__(self, url: str) -> None:
        self.attempts = 0
        super().__init__(url, on_attempt=self._count)

    def _count(self, event: AttemptEvent) -> None:
        self.attempts += event.attempt


class _Dropped(logging.Handler):
    """Formats log records, as any handler does, and writes them nowhere."""

    def emit(self, record: logging.LogRecord) -> None:
        self.format(record)


class WithLogging(ByPage):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        logger = logging.getLogger("heymarket_async")
        if not any(isinstance(each, _Dropped) for each in logger.handlers):
            logger.addHandler(_Dropped())
        logger.setLevel(logging.DEBUG)
