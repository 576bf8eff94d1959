"""Endpoint methods over aioresponses: what is sent, and what is made of the answer."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from unittest.mock import Mock
from uuid import UUID

import aiohttp
import msgspec
import pytest
from aioresponses import CallbackResult, aioresponses
from yarl import URL

from heymarket_async import Contact, HeymarketClient, RetryPolicy
from tests.conftest import SECRET

CONTACT_UUID = UUID("a1b2c3d4-e5f6-7890-abcd-ef1234567890")
REF = {"id": 98765, "rev": 1, "uuid": str(CONTACT_UUID)}


NAIVE = datetime(2026, 4, 12, tzinfo=UTC).replace(tzinfo=None)


class MoodyContact(Contact, frozen=True, kw_only=True):
    mood: str | None = None


class Response(aiohttp.ClientResponse):
    """aioresponses 0.7 does not know an argument that responses have had since aiohttp 3.14."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, stream_writer=Mock(), **kwargs)


class Sent(NamedTuple):
    """A request as it left; `body` is decoded JSON, or UNSET if there was none."""

    call: str
    query: dict[str, str]
    body: object


class Heymarket:
    """Answers every request alike, and keeps what came."""

    def __init__(self) -> None:
        self.requests: list[Sent] = []
        self._result: dict[str, Any] = {}

    def answers(self, body: object = msgspec.UNSET, status: int = 200) -> None:
        content = b"" if body is msgspec.UNSET else msgspec.json.encode(body)
        headers = {"X-Request-Id": "r-1"}
        self._result = {"status": status, "body": content, "headers": headers}

    @property
    def sent(self) -> Sent:
        (sent,) = self.requests
        return sent

    def receive(self, method: str, url: URL, **request: Any) -> CallbackResult:
        body = request["data"]
        decoded = msgspec.UNSET if body is None else msgspec.json.decode(body)
        self.requests.append(Sent(f"{method.upper()} {url.raw_path}", dict(url.query), decoded))
        assert request["headers"]["Authorization"].startswith("Bearer eyJ")
        assert ("Content-Type" in request["headers"]) is (body is not None)
        return CallbackResult(method=method, response_class=Response, **self._result)


@pytest.fixture
def heymarket() -> Iterator[Heymarket]:
    heymarket = Heymarket()
    with aioresponses() as mocked:
        for method in ("get", "post", "put", "delete", "patch"):

            def receive(url: URL, method: str = method, **request: Any) -> CallbackResult:
                return heymarket.receive(method, url, **request)

            everything = re.compile(r"^https://api\.heymarket\.com/")
            mocked.add(everything, method=method, callback=receive, repeat=True)
        yield heymarket


@pytest.fixture
async def client() -> AsyncIterator[HeymarketClient]:
    async with HeymarketClient(SECRET, retry=RetryPolicy(attempts=1)) as client:
        yield client
