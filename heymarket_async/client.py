"""`HeymarketClient`: owns the transport, and has the groups of calls as attributes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from ssl import SSLContext
from types import TracebackType
from typing import NoReturn, Self, TypedDict, TypeVar, Unpack, overload

import msgspec

from heymarket_async import environment, urls
from heymarket_async.api_profile import ApiProfile
from heymarket_async.checks import one_of, spelling_hint
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
from heymarket_async.misuse import Explained, not_copied, one_value
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
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


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
    repeat: Repeat | None


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
    profile: ApiProfile | str | os.PathLike[str] | None


@hides_locals
class HeymarketClient(Explained):
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
            `limit` or `page_size` is given; see "The walk" in the documentation.
        profile: Facts about the API that were seen on this account, or the file that
            `heymarket probe --save` wrote. Walks need not find them out again. A wrong profile
            costs requests, or a walk raises; it loses no contact. See "The
            probe" in the documentation.

    Raises:
        ValueError: An argument breaks its rule; the message names it.
        OSError: The file of the profile cannot be read.
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

    @one_value
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
        profile: ApiProfile | str | os.PathLike[str] | None = None,
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
                profile=None if profile is None else ApiProfile.checked(profile),
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
        `RateLimit`). A variable that is read must not be empty: unset it instead. A warning is
        logged for a name that is nearly one of these.

        Raises:
            ValueError: The environment has no credentials, or one half of them, or a variable
                breaks its rule.
        """
        environment.warn_of_slips()
        if "base_url" not in options and (base_url := environment.variable("BASE_URL")) is not None:
            options["base_url"] = base_url
        if "credentials" not in options:
            options["credentials"] = environment.credentials_from_env()
        if "rate_limit" not in options:
            options["rate_limit"] = environment.rate_limit_from_env()
        return cls(**options)

    def with_options(self, **options: Unpack[CallOptions]) -> Self:
        """Return a client with other options that shares connections, token and pacing.

        Only the original client needs to be closed.

        Raises:
            TypeError: An option is none of `CallOptions`.
            ValueError: An option breaks its rule.
        """
        for name in options:
            if name not in CallOptions.__annotations__:
                raise TypeError(f"with_options has no option {name!r}{_hint(name)}")
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
        repeat: Repeat | None = None,
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
            repeat: Whether the call may be sent again after it may have been carried out. None:
                GET, HEAD and OPTIONS may, as they only read; others may not. Pass `Repeat.READ` for
                a POST that only reads, or it is not repeated after a lost answer.

        Raises:
            HeymarketError: See `heymarket_async.errors`.
            ValueError: `path` is not a plain absolute path, or another argument breaks its rule.
        """
        urls.check_path(path)
        method = one_of("method", method, str).upper()
        if method not in _METHODS:
            raise ValueError(f"method must be one of {', '.join(_METHODS)}")
        one_of("repeat", repeat, (Repeat, type(None)))
        usual = Repeat.READ if method in _READING else Repeat.UNSAFE
        one_of("query", query, (Mapping, type(None)))
        for name, value in (query or {}).items():
            one_of(f"query[{name!r}]", value, (str, int, bool))
        endpoint = Endpoint(method, path, returns, repeat or usual)
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
        not_copied(self)

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


def _hint(option: str) -> str:
    """Return a hint for an option that `with_options` does not have."""
    if option in ClientOptions.__annotations__:
        return f"; {option} belongs to the constructor, HeymarketClient(credentials, {option}=...)"
    known = CallOptions.__annotations__
    return spelling_hint(option, known) or f". It has {', '.join(known)}"


def _checked_agent(user_agent: str) -> str:
    one_of("user_agent", user_agent, str)
    if not user_agent.isascii() or (user_agent and not user_agent.isprintable()):
        raise ValueError("user_agent must be printable ASCII, such as crm-sync/2.1")
    return user_agent


def _checked_credentials(
    credentials: Credentials | CredentialsProvider,
) -> Credentials | CredentialsProvider:
    is_ours = isinstance(credentials, ApiSecret | ApiKey)
    if not is_ours and (isinstance(credentials, type) or not callable(credentials)):
        raise ValueError(
            "credentials must be ApiSecret(secret_id, secret_key), ApiKey(key), or an async"
            " callable that returns one; HeymarketClient.from_env() reads them from the environment"
        )
    return credentials
