"""A web service that keeps customers as Heymarket contacts: one client for each process.

python -m examples.aiohttp_service.app --port 8000
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import AsyncGenerator

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor

from examples.http_errors import TIMED_OUT, Refusal, refusal, refusal_of
from examples.http_errors.fields import MAX_BYTES, name_of, phone_of
from heymarket_async import Contact, HeymarketClient, HeymarketError, NewContact

REQUEST_S = float(os.environ.get("REQUEST_S", "8"))
"""Seconds that one request to this service may take."""

CLIENT = web.AppKey("client", HeymarketClient)


class Person(msgspec.Struct, forbid_unknown_fields=True):
    """A person to store as a contact. It comes in a body, because URLs end up in logs."""

    phone: str
    first: str = ""
    last: str = ""

    def __post_init__(self) -> None:
        for name, check in (("phone", phone_of), ("first", name_of), ("last", name_of)):
            try:
                setattr(self, name, check(getattr(self, name)))
            except ValueError as error:
                raise ValueError(f"{name} {error}") from None


async def put_contact(request: web.Request) -> web.Response:
    """Create a contact unless it exists: 201 if it was created, 200 if it already existed."""
    person = msgspec.json.decode(await request.read(), type=Person)
    wanted = NewContact(phone=person.phone, first=person.first, last=person.last)
    ensured = await heymarket(request).contacts.ensure(wanted)
    return shown(ensured.contact, 201 if ensured.was_created else 200)


async def find_contact(request: web.Request) -> web.Response:
    """Look a person up."""
    person = msgspec.json.decode(await request.read(), type=Person)
    contact = await heymarket(request).contacts.find(phone=person.phone)
    if contact is None:
        return refused(refusal(404, "NotFound", "nobody has this phone"))
    return shown(contact)


async def health(request: web.Request) -> web.Response:
    """Report that the process is up, and why its calls wait. Sends nothing to Heymarket."""
    return web.json_response({"status": "ok", "waits_for": request.app[CLIENT].waiting})


def heymarket(request: web.Request) -> HeymarketClient:
    """Return the client of the process, with a deadline shorter than that of the request."""
    # So a call that was never sent raises before the request times out.
    return request.app[CLIENT].with_options(deadline_s=0.9 * REQUEST_S)


def shown(contact: Contact, status: int = 200) -> web.Response:
    """Answer with the public fields of a contact."""
    fields = {
        "id": contact.id,
        "name": contact.display_name,
        "is_opted_out": contact.is_opted_out,
    }
    return web.json_response(fields, status=status)


@web.middleware
async def in_time_and_with_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """End a request in time, and answer errors with what the caller can do about them."""
    try:
        async with asyncio.timeout(REQUEST_S):
            return await handler(request)
    except TimeoutError:
        return refused(TIMED_OUT)
    except (msgspec.MsgspecError, ValueError) as error:
        return refused(refusal(422, "ValidationError", str(error)))
    except web.HTTPException as error:  # an unknown path, or a body that is too long
        return refused(refusal(error.status, type(error).__name__, error.reason))
    except HeymarketError as error:
        return refused(refusal_of(error))


def refused(answer: Refusal) -> web.Response:
    """Answer that a request was refused."""
    return web.json_response(answer.body, status=answer.status, headers=answer.headers)


async def client_of(app: web.Application) -> AsyncGenerator[None]:
    """Open the client in the loop that serves, and close it when that ends."""
    spans = AioHttpClientInstrumentor()  # one for each request to Heymarket
    if not spans.is_instrumented_by_opentelemetry:  # as it is under `opentelemetry-instrument`
        spans.instrument()
    async with HeymarketClient.from_env(user_agent="aiohttp-service/1.0") as client:
        app[CLIENT] = client
        yield
    spans.uninstrument()


def application() -> web.Application:
    """Return the service."""
    app = web.Application(middlewares=[in_time_and_with_errors], client_max_size=MAX_BYTES)
    app.cleanup_ctx.append(client_of)
    app.router.add_put("/contacts", put_contact)
    app.router.add_post("/contacts/find", find_contact)
    app.router.add_get("/health", health)
    return app


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=8000)
    given = options.parse_args()
    # If a caller hangs up, its request is cancelled.
    web.run_app(application(), host=given.host, port=given.port, handler_cancellation=True)
