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
from fastapi.responses import JSONResponse
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor

from examples.http_errors import refusal_of
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


app = FastAPI(lifespan=lifespan)


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


class Person(pydantic.BaseModel):
    """A person to store as a contact. It comes in a body, because URLs end up in logs."""

    phone: str
    first: str = ""
    last: str = ""


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
    try:
        wanted = NewContact(phone=person.phone, first=person.first, last=person.last)
    except ValueError as error:
        raise HTTPException(422, str(error)) from None
    ensured = await in_time(request, client.contacts.ensure(wanted))
    response.status_code = 201 if ensured.was_created else 200
    return shown(ensured.contact)


@app.post("/contacts/find")
async def find_contact(person: Person, client: Heymarket, request: Request) -> Known:
    """Look a person up."""
    try:
        contact = await in_time(request, client.contacts.find(phone=person.phone))
    except ValueError as error:
        raise HTTPException(422, str(error)) from None
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


@app.exception_handler(TimeoutError)
async def on_timeout(_: Request, __: TimeoutError) -> JSONResponse:
    """Answer that the result of the request is not known. A PUT is safe to retry."""
    return JSONResponse({"error": "TimeoutError"}, 504)


def shown(contact: Contact) -> Known:
    """Return the public fields of a contact."""
    return Known(id=contact.id, name=contact.display_name, is_opted_out=contact.is_opted_out)
