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

from examples.http_errors import refusal_of
from heymarket_async import Contact, HeymarketClient, HeymarketError, NewContact

REQUEST_S = float(os.environ.get("REQUEST_S", "8"))
"""Seconds that one request to this service may take."""

CLIENT = web.AppKey("client", HeymarketClient)


class Person(msgspec.Struct):
    """Who is to be a contact; in a body, because addresses of requests end up in logs."""

    phone: str
    first: str = ""
    last: str = ""


async def put_contact(request: web.Request) -> web.Response:
    """Make sure that a person is a contact: 201 if it was created, 200 if it was there."""
    person = msgspec.json.decode(await request.read(), type=Person)
    wanted = NewContact(phone=person.phone, first=person.first, last=person.last)
    ensured = await heymarket(request).contacts.ensure(wanted)
    return shown(ensured.contact, 201 if ensured.was_created else 200)


async def find_contact(request: web.Request) -> web.Response:
    """Look a person up."""
    person = msgspec.json.decode(await request.read(), type=Person)
    contact = await heymarket(request).contacts.find(phone=person.phone)
    if contact is None:
        return web.json_response({"error": "nobody has this phone"}, status=404)
    return shown(contact)


async def health(request: web.Request) -> web.Response:
    """Tell that the process serves, and what its calls wait for; costs no request to Heymarket."""
    return web.json_response({"status": "ok", "waits_for": request.app[CLIENT].waiting})


def heymarket(request: web.Request) -> HeymarketClient:
    """Return the client of the process, whose calls do not wait as long as a request may take."""
    # A little less, so that a call that was never sent says so before the request is ended.
    return request.app[CLIENT].with_options(deadline_s=0.9 * REQUEST_S)


def shown(contact: Contact, status: int = 200) -> web.Response:
    """Answer with what this service shows of a contact."""
    told = {
        "id": contact.id,
        "name": contact.display_name,
        "is_opted_out": contact.is_opted_out,
    }
    return web.json_response(told, status=status)


@web.middleware
async def in_time_and_with_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """End a request in time, and tell the caller of an error what it can do about it.

    What nobody can do about is for the log; no error has personal data.
    """
    try:
        async with asyncio.timeout(REQUEST_S):
            return await handler(request)
    except TimeoutError:
        # Nobody knows what became of the request: a PUT may be repeated.
        return web.json_response({"error": "TimeoutError"}, status=504)
    except (msgspec.MsgspecError, ValueError) as error:
        return web.json_response({"error": str(error)}, status=422)
    except HeymarketError as error:
        refusal = refusal_of(error)
        return web.json_response(refusal.body, status=refusal.status, headers=refusal.headers)


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
    app = web.Application(middlewares=[in_time_and_with_errors])
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
    # A caller that has hung up ends what was done for it.
    web.run_app(application(), host=given.host, port=given.port, handler_cancellation=True)
