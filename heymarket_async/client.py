"""`HeymarketClient`: owns the transport, and has the groups of calls as attributes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from ssl import SSLContext
from types import TracebackType
from typing import NoReturn, Self, TypedDict, TypeVar, Unpack, overload

import msgspec

from heymarket_async import urls
from heymarket_async.checks import one_of
from heymarket_async.endpoints.channels import ContactChannels
from heymarket_async.endpoints.contacts import Contacts
from heymarket_async.endpoints.contacts_v2 import ContactsV2
from heymarket_async.endpoints.conversations import Conversations
from heymarket_async.endpoints.emails import Emails
from heymarket_async.endpoints.fields import ContactFields
from heymarket_async.endpoints.inboxes import Inboxes
from heymarket_async.endpoints.lists import Lists
from heymarket_async.endpoints.messages import Messages
from heymarket_async.endpoints.schedules import Schedules
from heymarket_async.endpoints.surveys import Surveys
from heymarket_async.endpoints.tags import Tags
from heymarket_async.endpoints.team import Teams
from heymarket_async.endpoints.templates import Templates
from heymarket_async.endpoints.users import Users
from heymarket_async.pacing.window import DOCUMENTED_LIMIT, RateLimit
from heymarket_async.privacy import hides_locals
from heymarket_async.request import Endpoint, Repeat
from heymarket_async.transport import proxies
from heymarket_async.transport.auth import (
    ApiKey,
    ApiSecret,
    Credentials,
    CredentialsProvider,
    Signer,
)
from heymarket_async.transport.bodies import MAX_BYTES
from heymarket_async.transport.call import (
    DEADLINE_S,
    MAX_PAGE_SIZE,
    TIMEOUT_S,
    AttemptEvent,
    Options,
)
from heymarket_async.transport.http import Http, Session
from heymarket_async.transport.retry import RetryPolicy
from heymarket_async.transport.send import Transport
from heymarket_async.version import __version__

T = TypeVar("T")

BASE_URL = "https://api.heymarket.com"
# CONNECT is for proxies, and TRACE sends back what it got, the token included.
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class CallOptions(TypedDict, total=False):
    """The options that `with_options` can change; see `HeymarketClient`."""

    timeout_s: float
    deadline_s: float
    retry: RetryPolicy
    on_attempt: Callable[[AttemptEvent], object] | None
    max_answer_bytes: int
    max_page_size: int


class RequestOptions(TypedDict, total=False):
    """The options of `request`, apart from `returns`."""

    body: object
    query: Mapping[str, str | int | bool] | None
    repeat: Repeat


class ClientOptions(CallOptions, total=False):
    """The options that `from_env` passes on; see `HeymarketClient`."""

    credentials: Credentials | CredentialsProvider
    base_url: str
    rate_limit: RateLimit | None
    session: Session | None
    proxy: str | None
    trust_env: bool
    ssl: SSLContext | None
    user_agent: str


@hides_locals
class HeymarketClient:
    """A client of the Heymarket API for one account and one event loop.

    Use it as an async context manager, or await `aclose()`. It may be created anywhere. It binds to
    the event loop of its first call. All calls may be made at once from any number of tasks.

    Args:
        credentials: `ApiSecret`, the legacy `ApiKey`, or an async callable that returns one, so
            that a long-lived client survives a rotation. Its errors are not wrapped.
        base_url: Scheme and host; plain http only for a loopback address.
        timeout_s: Seconds for one attempt, from sending to the last byte of the answer.
        deadline_s: Seconds for one call: waiting for its turn, all attempts, and the waits between.
            The default leaves room for three waits of a minute, as after a 429.
        retry: How often and how soon a failed call is sent again.
        rate_limit: How many requests may be sent. All clients of this process with the same
            credentials share it. With a `store`, those of other processes share it too. None turns
            it off.
        session: An aiohttp session to borrow. It is not closed. Its middlewares are not run, and
            its own time limits, redirects and decompression do not apply. With plain http its proxy
            is not used. If only the beginning of an unexpected answer came over one of its idle
            connections, that connection is still used.
        proxy: URL of an HTTP proxy, with the user and the password if it wants a login. With plain
            http it must be on this machine.
        trust_env: Take the proxy from the environment, which is read once, now. A loopback address
            has no proxy.
        ssl: Context for TLS, such as one with a company's own authority.
        user_agent: Text to add to the `User-Agent`, such as "crm-sync/2.1".
        on_attempt: Called with an `AttemptEvent` after each attempt; must not block.
        max_answer_bytes: The largest body of an answer, both as sent and decompressed. A larger
            one is not read to its end, and raises `DecodeError`.
        max_page_size: The most contacts that a walk, export or sync asks for at once, unless its
            `limit` or `page_size` is given. See `docs/walk.md`.

    Raises:
        ValueError: An argument breaks its rule; the message names it.
    """

    contacts: Contacts
    contacts_v2: ContactsV2
    contact_channels: ContactChannels
    contact_fields: ContactFields
    inboxes: Inboxes
    lists: Lists
    schedules: Schedules
    surveys: Surveys
    tags: Tags
    team: Teams
    templates: Templates
    users: Users
    conversations: Conversations
    emails: Emails
    messages: Messages

    def __init__(
        self,
        credentials: Credentials | CredentialsProvider,
        *,
        base_url: str = BASE_URL,
        timeout_s: float = TIMEOUT_S,
        deadline_s: float = DEADLINE_S,
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
        rate_limit: RateLimit | None = DOCUMENTED_LIMIT,
        session: Session | None = None,
        proxy: str | None = None,
        trust_env: bool = False,
        ssl: SSLContext | None = None,
        user_agent: str = "",
        on_attempt: Callable[[AttemptEvent], object] | None = None,
        max_answer_bytes: int = MAX_BYTES,
        max_page_size: int = MAX_PAGE_SIZE,
    ) -> None:
        self.base_url = urls.checked_base_url(base_url)
        one_of("rate_limit", rate_limit, (RateLimit, type(None)))
        one_of("session", session, (Session, type(None)))
        one_of("ssl", ssl, (SSLContext, type(None)))
        if proxy is None and trust_env:
            proxy = proxies.from_environment(self.base_url)
        skips_proxy = proxies.must_be_skipped(self.base_url, proxy)
        http = Http(session=session, proxy=proxy, ssl=ssl, skips_proxy=skips_proxy)
        self._build_groups(
            Transport(
                base_url=self.base_url,
                user_agent=f"heymarket-async/{__version__} {_checked_agent(user_agent)}".rstrip(),
                signer=Signer(_checked_credentials(credentials)),
                rate=rate_limit,
                http=http,
                options=Options(
                    timeout_s, deadline_s, retry, on_attempt, max_answer_bytes, max_page_size
                ),
            )
        )
        self._is_derived = False

    @classmethod
    @hides_locals
    def from_env(cls, **options: Unpack[ClientOptions]) -> Self:
        """Return a client with the settings of the environment. An argument wins over them.

        These variables are read: `HEYMARKET_SECRET_ID` and `HEYMARKET_SECRET_KEY`, or
        `HEYMARKET_API_KEY`; `HEYMARKET_BASE_URL`; `HEYMARKET_STORE`, the URL of a Redis server in
        which processes share the rate limit, with `HEYMARKET_SHARE` and `HEYMARKET_FALLBACK` (see
        `RateLimit`). A variable that is read must not be empty: unset it instead.

        Raises:
            ValueError: The environment has no credentials, or one half of them, or a variable
                breaks its rule.
        """
        if "base_url" not in options and (base_url := _from_env("BASE_URL")) is not None:
            options["base_url"] = base_url
        if "credentials" not in options:
            options["credentials"] = _credentials_from_env()
        if "rate_limit" not in options:
            options["rate_limit"] = _rate_limit_from_env()
        return cls(**options)

    def with_options(self, **options: Unpack[CallOptions]) -> Self:
        """Return a client with other options that shares connections, token and pacing.

        Only the original client needs to be closed.
        """
        derived = type(self).__new__(type(self))
        vars(derived).update(vars(self))
        changed = msgspec.structs.replace(self._transport.options, **options)
        derived._build_groups(self._transport.with_options(changed))  # noqa: SLF001 - the same class
        derived._is_derived = True  # noqa: SLF001 - the same class
        return derived

    @overload
    async def request(
        self, method: str, path: str, **options: Unpack[RequestOptions]
    ) -> msgspec.Raw: ...
    @overload
    async def request(
        self, method: str, path: str, *, returns: type[T], **options: Unpack[RequestOptions]
    ) -> T: ...
    async def request(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        query: Mapping[str, str | int | bool] | None = None,
        returns: type[object] = msgspec.Raw,
        repeat: Repeat = Repeat.UNSAFE,
    ) -> object:
        """Make a call that this package has no method for. It is signed, paced and retried too.

        Args:
            method: GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS.
            path: Path after the host, such as "/v1/team". Quote the values in it. It names the
                call in errors and logs.
            body: Content to send as JSON: msgspec structs, dicts, lists; None for nothing.
            query: Query parameters.
            returns: Type to decode the answer into; `msgspec.Raw` for its bytes, `type(None)` if
                the content is not needed.
            repeat: Whether the call may be sent again after it may have been carried out. Pass
                `Repeat.READ` for reads, or they are not repeated after a lost answer.

        Raises:
            HeymarketError: See `heymarket_async.errors`.
            ValueError: `path` is not a plain absolute path, or another argument breaks its rule.
        """
        urls.check_path(path)
        method = one_of("method", method, str).upper()
        if method not in _METHODS:
            raise ValueError(f"method must be one of {', '.join(_METHODS)}")
        one_of("repeat", repeat, Repeat)
        one_of("query", query, (Mapping, type(None)))
        for name, value in (query or {}).items():
            one_of(f"query[{name!r}]", value, (str, int, bool))
        endpoint = Endpoint(method, path, returns, repeat)
        content = msgspec.UNSET if body is None else body
        return await self._transport.send(endpoint.request(query=query, body=content))

    @property
    def on_attempt(self) -> Callable[[AttemptEvent], object] | None:
        """The hook that is called after each attempt, or None."""
        return self._transport.options.on_attempt

    @property
    def retry(self) -> RetryPolicy:
        """How often and how soon a failed call is sent again."""
        return self._transport.options.retry

    @property
    def fingerprint(self) -> str:
        """A name for the credentials in use. Nothing about them can be learned from it.

        It is "" until a callable has returned them.
        """
        return self._transport.fingerprint

    @property
    def waiting(self) -> str:
        """The reason why the longest waiting call waits, such as "the rate limit", or ""."""
        return self._transport.waiting

    async def aclose(self) -> None:
        """Close the connections; calls under way end with `ClientStateError`.

        Closing twice is harmless. A client from `with_options` has nothing to close.
        """
        if not self._is_derived:
            await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "A client does not pickle: it holds connections and a secret. Make one where it is"
            " used, as with HeymarketClient.from_env()."
        )

    def _build_groups(self, transport: Transport) -> None:
        self._transport = transport
        self.contacts = Contacts(transport)
        self.contacts_v2 = ContactsV2(transport)
        self.contact_channels = ContactChannels(transport)
        self.contact_fields = ContactFields(transport)
        self.inboxes = Inboxes(transport)
        self.lists = Lists(transport)
        self.schedules = Schedules(transport)
        self.surveys = Surveys(transport)
        self.tags = Tags(transport)
        self.team = Teams(transport)
        self.templates = Templates(transport)
        self.users = Users(transport)
        self.conversations = Conversations(transport)
        self.emails = Emails(transport)
        self.messages = Messages(transport)


def transport_of(client: HeymarketClient) -> Transport:
    """Return the transport of a client, for jobs."""
    return client._transport  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - the same module


def _checked_agent(user_agent: str) -> str:
    one_of("user_agent", user_agent, str)
    if not user_agent.isascii() or (user_agent and not user_agent.isprintable()):
        raise ValueError("user_agent must be printable ASCII, such as crm-sync/2.1")
    return user_agent


def _checked_credentials(
    credentials: Credentials | CredentialsProvider,
) -> Credentials | CredentialsProvider:
    if not isinstance(credentials, ApiSecret | ApiKey) and not callable(credentials):
        raise ValueError(
            "credentials must be an ApiSecret, an ApiKey, or an async callable that returns one"
        )
    return credentials


def _rate_limit_from_env() -> RateLimit:
    limit = msgspec.structs.replace(DOCUMENTED_LIMIT, store=_from_env("STORE"))
    for name in ("SHARE", "FALLBACK"):
        if (text := _from_env(name)) is None:
            continue
        if limit.store is None:
            raise ValueError(f"HEYMARKET_{name} needs HEYMARKET_STORE. Set both, or neither.")
        try:
            part = float(text)
        except ValueError:
            raise ValueError(f"HEYMARKET_{name} must be a number, such as 0.2") from None
        limit = msgspec.structs.replace(limit, **{name.lower(): part})
    return limit


def _credentials_from_env() -> Credentials:
    secret_id, secret_key = _from_env("SECRET_ID"), _from_env("SECRET_KEY")
    if secret_id is not None and secret_key is not None:
        return ApiSecret(secret_id, secret_key)
    if secret_id is not None or secret_key is not None:
        missing = "HEYMARKET_SECRET_KEY" if secret_key is None else "HEYMARKET_SECRET_ID"
        raise ValueError(f"{missing} is not set. A secret needs both its id and its key.")
    if (key := _from_env("API_KEY")) is not None:
        return ApiKey(key)
    raise ValueError(
        "No credentials are set. Set HEYMARKET_SECRET_ID and HEYMARKET_SECRET_KEY (Heymarket shows"
        " them under Settings, Integrations, API), or HEYMARKET_API_KEY."
    )


def _from_env(name: str) -> str | None:
    """Return a variable of the environment, or None if it is not set.

    An empty variable is a mistake, such as a secret that was not filled in. If it counted as not
    set, calls meant for a test would reach production, or a limit would not be shared.
    """
    value = os.environ.get(f"HEYMARKET_{name}")
    if value is not None and not value.strip():
        raise ValueError(f"HEYMARKET_{name} is set, but empty. Give it a value, or unset it.")
    return value
