"""The class Sandbox: options, start and stop, in the running loop or in a thread of its own."""

import asyncio
import math
import random
import uuid
from collections import deque
from collections.abc import Callable, Collection, Generator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from secrets import token_hex
from threading import RLock, Thread
from typing import NamedTuple, Self, get_type_hints

from aiohttp import web

from heymarket_async.sandbox import state as states
from heymarket_async.sandbox.access import Access
from heymarket_async.sandbox.chatter import Chatter
from heymarket_async.sandbox.clock import Clock
from heymarket_async.sandbox.contacts import Contacts, made_uuid
from heymarket_async.sandbox.conversation_table import Conversations
from heymarket_async.sandbox.faults import Faults
from heymarket_async.sandbox.hosts import Hosts, url_at
from heymarket_async.sandbox.list_table import Lists
from heymarket_async.sandbox.message_table import Messages, Sent
from heymarket_async.sandbox.odd import Wanted
from heymarket_async.sandbox.other_side import Carrier, Customer
from heymarket_async.sandbox.people import made_up
from heymarket_async.sandbox.profile import Source, readings_of
from heymarket_async.sandbox.readings import Readings, check_type
from heymarket_async.sandbox.received import Received
from heymarket_async.sandbox.routes import Account
from heymarket_async.sandbox.schedule_table import Schedules
from heymarket_async.sandbox.server import Server, log
from heymarket_async.sandbox.stamps import parsed
from heymarket_async.sandbox.survey_table import Surveys
from heymarket_async.sandbox.tag_table import Tags
from heymarket_async.sandbox.team import Team
from heymarket_async.sandbox.template_table import Templates
from heymarket_async.sandbox.webhooks import Webhooks

# Faults that hold requests back end when the sandbox closes, so the rest is soon done.
_SHUTDOWN_S = 0.05


class Credentials(NamedTuple):
    """An API Secret, to unpack: `ApiSecret(*sandbox.credentials)`."""

    secret_id: str
    secret_key: str


class Sandbox:
    """A local Heymarket: contacts, messages, credentials, a rate limit, and faults.

    `async with Sandbox() as sandbox` serves in the running loop; `with Sandbox() as sandbox` serves
    in a thread, for synchronous tests and for other processes. The same seed gives the same
    contacts and request ids. The credentials are random unless they are given.

    Args:
        contacts: Number of made-up contacts at the start.
        seed: Seed of everything that is made up.
        readings: Options for behaviour that the API docs leave open; by default the likeliest.
        limit: Requests per window and credential; None: no limit.
        per_s: Length of the window in seconds.
        host: The address to listen on.
        port: The port to listen on; 0: a free one.
        secret_id: The API Secret's id; None: a random one.
        secret_key: The API Secret's key; None: a random one.
        api_key: The legacy API key; None: a random one.
        hosts: Names and addresses, without a scheme, port or brackets, under which clients reach
            it, in addition to `host` and the usual names of this machine. Requests to other hosts
            are refused.
        ties: Size of the largest group of contacts that share one `updated`.
        fields: Whether the account has custom fields.
        messages: Number of made-up messages at the start, in conversations with the contacts.
        message_ties: Size of the largest group of messages that share one `date`.
        state: The `state()` of an earlier sandbox, to go back to, with its credentials. Nothing is
            made up then, so `contacts`, `messages`, `ties`, `message_ties` and `fields` have no
            effect.

    Raises:
        ValueError: An option is of another type or size; the message names it.

    Attributes:
        readings: The options for behaviour that the API docs leave open.
        credentials: The API Secret.
        api_key: The legacy API key.
        faults: Failures on demand.
        store: The contacts.
        tags: The tags.
        messages: The messages.
        conversations: The conversations.
        customer: The people on the other side, who text.
        carrier: The carriers, who deliver or fail.
        templates: The templates of texts.
        lists: The lists of people.
        schedules: The scheduled messages.
        surveys: The surveys.
        clock: The time of the account.
        webhooks: The webhooks that tell subscribers what happens.

    https://developers.heymarket.com/guides/manage-contacts
    """

    def __init__(
        self,
        contacts: int = 0,
        *,
        seed: int = 0,
        readings: Readings | None = None,
        limit: int | None = 500,
        per_s: float = 60.0,
        host: str = "127.0.0.1",
        port: int = 0,
        secret_id: str | None = None,
        secret_key: str | None = None,
        api_key: str | None = None,
        hosts: Collection[str] = (),
        ties: int = 1,
        fields: bool = True,
        messages: int = 0,
        message_ties: int = 1,
        state: bytes | None = None,
    ) -> None:
        given: dict[str, object] = locals()
        for name, kind in _OPTIONS.items():
            check_type(name, given[name], kind)
        if min(contacts, messages) < 0 or min(ties, message_ties, limit or 1) < 1 or limit == 0:
            raise ValueError(
                "contacts and messages must be at least 0, ties, message_ties and limit at least 1"
            )
        if not 0 < per_s < math.inf or not 0 <= port <= 65535:
            raise ValueError("per_s must be above 0 and finite, port from 0 to 65535")
        allowed = Hosts(host, hosts)
        readings = readings or Readings()
        stored = None if state is None else states.read(state, readings)
        if stored is not None:
            contacts = messages = 0
            secret_id, secret_key = secret_id or stored.secret_id, secret_key or stored.secret_key
            api_key = api_key or stored.api_key
        rng = random.Random(seed)  # noqa: S311 - no secret
        # Older versions drew credentials here; without these draws, a seed makes other contacts.
        made_uuid(rng)
        rng.choices("k", k=40 + 48)
        self.readings = readings
        self.credentials = Credentials(secret_id or str(uuid.uuid4()), secret_key or token_hex(20))
        self.api_key = api_key or token_hex(24)
        self.faults = Faults(readings, seed)
        people = random.Random(rng.getrandbits(64))  # noqa: S311 - no secret
        self.store = Contacts(contacts, rng=people, readings=readings, ties=ties, custom=fields)
        account = _account(
            self.store,
            lambda: self.faults.clock_offset_s,
            seed=seed,
            fields=fields,
            messages=(messages, message_ties),
        )
        self.tags = account.tags
        self.conversations = account.conversations
        self.messages = account.messages
        self.templates = account.templates
        self.lists = account.lists
        self.schedules = account.schedules
        self.surveys = account.surveys
        self.clock = account.clock
        self.webhooks = account.webhooks
        if stored is not None:
            states.restore(account, stored)
        self._account = account
        self.customer = Customer(account)
        self.carrier = Carrier(account)
        self._server = Server(
            account,
            hosts=allowed,
            access=Access(*self.credentials, self.api_key, readings, limit, per_s),
            faults=self.faults,
            request_ids=lambda: made_uuid(rng),
        )
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self._thread = ExitStack()

    @classmethod
    def from_profile(
        cls,
        profile: Source,
        contacts: int = 0,
        *,
        readings: Readings | None = None,
        **options: object,
    ) -> Self:
        """Return a sandbox that behaves as a profile of the API says.

        Args:
            profile: An `ApiProfile`, its fields as a mapping, or the file that
                `heymarket probe --save` has written.
            contacts: Number of made-up contacts at the start.
            readings: The behaviour that the profile leaves open; by default the likeliest.
            **options: The other options of the class.

        Raises:
            ValueError: It is not a profile, or has a fact that the sandbox cannot show.
            OSError: The file cannot be read.
        """
        readings = readings_of(profile, readings or Readings())
        return cls(contacts, readings=readings, **options)  # type: ignore[arg-type] # checked there

    @property
    def url(self) -> str:
        """The URL for programs on this machine, such as `http://127.0.0.1:54321`.

        Raises:
            RuntimeError: The sandbox is not running.
        """
        if self._runner is None or not self._runner.addresses:
            raise RuntimeError("the sandbox is not running")
        return url_at(*self._runner.addresses[0][:2])

    @property
    def outbox(self) -> list[Sent]:
        """The messages that people received, in order, one entry for each person."""
        self.clock.run_due()
        return self.messages.outbox

    def quiet(self, seconds: float) -> None:
        """Begin quiet hours that end in some seconds: messages sent until then are held back.

        The readings say how; `clock.advance` makes them pass.
        """
        self.messages.quiet_until_s = self.clock.now + seconds

    @property
    def requests(self) -> deque[Received]:
        """The newest requests, in the order of their arrival: at most 10,000, and at most 64 MiB.

        The oldest are dropped first. Requests of web pages and to other hosts are not recorded.
        """
        return self._server.recent.requests

    def state(self) -> bytes:
        """Return all that the account holds, with its credentials, as JSON: `Sandbox(state=…)`.

        Faults, odd looks, `requests`, subscribers of webhooks, and the counts of the rate limit
        are not part of it. It holds the credentials, so keep it private.
        """
        return states.taken(self._account, self.readings, *self.credentials, self.api_key)

    def show_as(self, contact_id: int, look: Wanted | None) -> None:
        """Show a contact oddly from now on, in every answer that holds contacts.

        Its place in lists stays that of its own `updated`. Answers to writes that hold only `id`,
        `rev` and `uuid` stay as they are.

        Args:
            contact_id: The contact's integer id.
            look: A kind of `heymarket_async.sandbox.odd.KINDS`, such as "updated_null" or "twice";
                or a mapping of fields to other values, where bytes are raw JSON and `msgspec.UNSET`
                leaves a field out; or bytes, sent in place of the contact; None: as usual again.

        Raises:
            ValueError: There is no such contact or kind.
        """
        self.store.show_as(contact_id, look)

    def stamp(self, contact_id: int, updated: str, *, rev: int | None = None) -> None:
        """Set a contact's `updated` without a write, such as to ten years ahead.

        Args:
            contact_id: The contact's integer id.
            updated: RFC 3339, kept to the nanosecond and shown as the readings say.
            rev: Its new `rev`, such as a lower one after a restored backup; None: unchanged.

        Raises:
            ValueError: There is no such contact, or `updated` is not a timestamp.
        """
        self.store.restamp(contact_id, parsed(updated), rev)

    async def start(self) -> None:
        """Listen, in the running loop.

        Raises:
            RuntimeError: The sandbox is running already.
            OSError: The port is taken.
        """
        if self._runner is not None:
            raise RuntimeError("the sandbox is running already")
        runner = self._runner = web.AppRunner(
            self._server.application(),
            access_log=None,
            logger=log,
            shutdown_timeout=_SHUTDOWN_S,
            auto_decompress=False,  # a small body could become a large one
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port, backlog=1024).start()
        except OSError:
            await self.aclose()
            raise
        self._server.hosts.names.update(address[0] for address in runner.addresses)
        self.clock.open()
        self.webhooks.open()

    async def aclose(self) -> None:
        """Close every connection and stop listening; closing twice is fine."""
        runner, self._runner = self._runner, None
        if runner is not None:
            self._server.close()
            await runner.cleanup()
            await self._server.finished()
            self.clock.close()
            await self.webhooks.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            loop = stack.enter_context(_loop_in_a_thread())
            asyncio.run_coroutine_threadsafe(self.start(), loop).result()
            stack.callback(lambda: asyncio.run_coroutine_threadsafe(self.aclose(), loop).result())
            self._thread = stack.pop_all()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._thread.close()


_OPTIONS = {
    name: kind
    for name, kind in get_type_hints(Sandbox.__init__).items()
    if name not in {"hosts", "return"}
}


def _account(
    contacts: Contacts,
    wrong_s: Callable[[], float],
    *,
    seed: int,
    fields: bool,
    messages: tuple[int, int],
) -> Account:
    """Make up the rest of an account that has these contacts.

    Args:
        contacts: The contacts.
        wrong_s: Returns by how many seconds a fault has set the clock wrong.
        seed: Seed of everything that is made up.
        fields: Whether the account has custom fields.
        messages: How many messages there are, and how many of them at most share a stamp.
    """
    readings, lock = contacts.readings, RLock()
    team = Team(made_up(), readings)
    conversations = Conversations(readings, seed, team)
    rng = random.Random(seed)  # noqa: S311 - no secret
    chatter = Chatter(rng, contacts=contacts, conversations=conversations, team=team)
    return Account(
        contacts=contacts,
        fields=dict(made_up().fields) if fields else {},
        tags=Tags(readings, seed, made_up().tags),
        team=team,
        conversations=conversations,
        messages=Messages(readings, seed, chatter.messages(*messages)),
        templates=Templates(readings, seed),
        lists=Lists(readings, seed, contacts),
        schedules=Schedules(readings, seed),
        surveys=Surveys(readings, seed),
        clock=Clock(lock, wrong_s),
        webhooks=Webhooks(readings, lock),
        lock=lock,
        readings=readings,
    )


@contextmanager
def _loop_in_a_thread() -> Generator[asyncio.AbstractEventLoop, None, None]:
    started: Future[asyncio.AbstractEventLoop] = Future()

    def run() -> None:
        with asyncio.Runner() as runner:  # cancels leftover tasks, and closes the loop
            started.set_result(runner.get_loop())
            runner.get_loop().run_forever()

    thread = Thread(target=run, name="heymarket-sandbox", daemon=True)
    thread.start()
    loop = started.result()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
