"""A web service that keeps customers as Heymarket contacts: one client for each process.

uvicorn examples.fastapi_service.app:app --workers 4
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypeVar

import pydantic
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from examples.http_errors import TIMED_OUT, refusal, refusal_of
from examples.http_errors.fields import MAX_BYTES, name_of, phone_of
from heymarket_async import Contact, HeymarketClient, HeymarketError, NewContact

T = TypeVar("T")

REQUEST_S = float(os.environ.get("REQUEST_S", "8"))
"""Seconds that one request to this service may take."""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Open the client in the loop that serves, and close it when that ends."""
    spans = AioHttpClientInstrumentor()  # one for each request to Heymarket
    if not spans.is_instrumented_by_opentelemetry:  # as it is under `opentelemetry-instrument`
        spans.instrument()
    async with HeymarketClient.from_env(user_agent="fastapi-service/1.0") as client:
        app.state.client = client
        yield
    spans.uninstrument()


class BodyLimit:
    """Refuses the body of a request that is too long, before all of it is in memory."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        size = 0

        async def bounded() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > MAX_BYTES:
                raise HTTPException(413, f"the body is longer than {MAX_BYTES:,} bytes")
            return message

        await self._app(scope, bounded, send)


app = FastAPI(lifespan=lifespan)
app.add_middleware(BodyLimit)


def heymarket(request: Request) -> HeymarketClient:
    """Return the client of the process, whose calls do not wait as long as a request may take."""
    client: HeymarketClient = request.app.state.client
    # A little less, so that a call that was never sent raises before the request times out.
    return client.with_options(deadline_s=0.9 * REQUEST_S)


Heymarket = Annotated[HeymarketClient, Depends(heymarket)]


async def in_time(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Return the result of work. Cancel it if the caller hangs up: FastAPI does not do that."""
    working, hung_up = asyncio.create_task(work), asyncio.create_task(_hung_up(request))
    try:
        async with asyncio.timeout(REQUEST_S):  # of all its calls together
            await asyncio.wait({working, hung_up}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise HTTPException(499, "the caller has hung up")
        return await working
    finally:
        working.cancel()
        hung_up.cancel()
        await asyncio.wait({working, hung_up})


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


Phone = Annotated[str, pydantic.AfterValidator(phone_of)]
Name = Annotated[str, pydantic.AfterValidator(name_of)]


class Person(pydantic.BaseModel):
    """A person to store as a contact. It comes in a body, because URLs end up in logs."""

    model_config = pydantic.ConfigDict(extra="forbid")

    phone: Phone
    first: Name = ""
    last: Name = ""


class Known(pydantic.BaseModel):
    """A contact, as this service shows it."""

    id: int | None
    name: str | None
    is_opted_out: bool | None


@app.put("/contacts")
async def put_contact(
    person: Person, client: Heymarket, request: Request, response: Response
) -> Known:
    """Create a contact unless it exists: 201 if it was created, 200 if it already existed."""
    wanted = NewContact(phone=person.phone, first=person.first, last=person.last)
    ensured = await in_time(request, client.contacts.ensure(wanted))
    response.status_code = 201 if ensured.was_created else 200
    return shown(ensured.contact)


@app.post("/contacts/find")
async def find_contact(person: Person, client: Heymarket, request: Request) -> Known:
    """Look a person up."""
    contact = await in_time(request, client.contacts.find(phone=person.phone))
    if contact is None:
        raise HTTPException(404, "nobody has this phone")
    return shown(contact)


@app.get("/health")
async def health(request: Request) -> dict[str, str]:
    """Report that the process is up, and why its calls wait. Sends nothing to Heymarket."""
    client: HeymarketClient = request.app.state.client
    return {"status": "ok", "waits_for": client.waiting}


@app.exception_handler(HeymarketError)
async def on_heymarket_error(_: Request, error: HeymarketError) -> JSONResponse:
    """Answer with what the caller can do. The log has the rest, without personal data."""
    return JSONResponse(*refusal_of(error))


@app.exception_handler(RequestValidationError)
async def on_wrong_input(_: Request, error: RequestValidationError) -> JSONResponse:
    """Answer which fields are wrong. The input is not repeated: it may not even be text."""
    problems: list[str] = []
    for each in error.errors():
        field = next((part for part in each["loc"][1:] if isinstance(part, str)), "the body")
        rule = _RULES.get(each["type"], each["msg"].removeprefix("Value error, "))
        problems.append(f"{field} {rule}")
    return JSONResponse(*refusal(422, "ValidationError", "; ".join(problems)))


_RULES = {
    "extra_forbidden": "is not a known field",
    "json_invalid": "must be JSON",
    "missing": "is missing",
    "model_attributes_type": "must be an object",
    "string_type": "must be text",
    "string_unicode": "has half of a character (a lone surrogate)",
}
"""The mistakes that pydantic finds itself, in words for the caller."""


@app.exception_handler(StarletteHTTPException)
async def on_refusal(_: Request, error: StarletteHTTPException) -> JSONResponse:
    """Answer in the same shape, also for an unknown path."""
    return JSONResponse(*refusal(error.status_code, "HTTPException", str(error.detail)))


@app.exception_handler(TimeoutError)
async def on_timeout(_: Request, __: TimeoutError) -> JSONResponse:
    """Answer that the result of the request is not known."""
    return JSONResponse(*TIMED_OUT)


def shown(contact: Contact) -> Known:
    """Return the public fields of a contact."""
    return Known(id=contact.id, name=contact.display_name, is_opted_out=contact.is_opted_out)
