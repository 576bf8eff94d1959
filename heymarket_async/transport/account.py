"""The account of the credentials, and the binding that keeps a call, walk or job to one account.

A credentials callable may return credentials of another account at any time: between two calls, or
between two attempts of one call. So the account is checked where a request is signed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import msgspec

from heymarket_async.errors import ClientStateError, HeymarketError, PermissionDeniedError
from heymarket_async.request import Endpoint, Repeat
from heymarket_async.transport.auth import Credentials, Signer

if TYPE_CHECKING:
    from heymarket_async.transport.call import Call
    from heymarket_async.transport.send import Transport

# Names of accounts whose team is known begin with this.
_TEAM = "team "


class Account(msgspec.Struct, frozen=True):
    """The identity of an account; holds nothing secret.

    Attributes:
        name: Its team and its server, such as "team 7001 of https://api.heymarket.com"; the same
            as `credentials` if the team cannot be read.
        credentials: The fingerprint of the credentials, and the server.
    """

    name: str
    credentials: str

    @property
    def has_team(self) -> bool:
        """Whether its team could be read."""
        return self.name.startswith(_TEAM)

    def matches(self, name: str, credentials: str | None) -> bool:
        """Whether it is the account that was stored.

        Credentials are compared only if one of the two has no team. They are rotated, and a file
        that follows an account for years must outlive them.

        Args:
            name: The stored `name`.
            credentials: The stored `credentials`; None if an older version stored none.
        """
        if name == self.name:
            return True
        is_without_team = not (name.startswith(_TEAM) and self.has_team)
        return is_without_team and self.credentials in {name, credentials}

    def is_of(self, credentials: str) -> bool:
        """Whether its team was read with these credentials, on their server."""
        server, their_server = self.name.partition(" of ")[2], credentials.partition(" of ")[2]
        return self.has_team and self.credentials == credentials and server == their_server

    def is_same_team(self, name: str) -> bool:
        """Whether the stored account has the same team, on this server or another one."""
        team = name.partition(" of ")[0]
        return team.startswith(_TEAM) and team == self.name.partition(" of ")[0]

    def name_to_store(self, name: str) -> str:
        """Return the name to store: this one, or the stored one if this has no team."""
        return self.name if self.has_team else name


class CredentialsChangedError(HeymarketError):
    """Nothing was sent, because the account of the credentials is not known; internal.

    Attributes:
        binding: The binding that can confirm the account.
    """

    def __init__(self, binding: Binding) -> None:
        super().__init__("the credentials changed")
        self.binding = binding


class Binding:
    """Keeps calls to one account: that of the first answer, or one that was asked for.

    Args:
        transport: Asks for the account of changed credentials.

    Attributes:
        fingerprints: Of the credentials that are known to be of this account.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.fingerprints: set[str] = set()
        self._first: Credentials | None = None
        self._first_call: Call[Any] | None = None
        self._account: Account | None = None
        self._confirming = asyncio.Lock()

    def check(self, signer: Signer, call: Call[Any]) -> None:
        """Check the credentials before a call is signed with them.

        The first call may use any credentials, on each attempt, until it may have taken effect.

        Raises:
            CredentialsChangedError: The account of these credentials must be confirmed first.
        """
        if signer.fingerprint in self.fingerprints:
            return
        if self.fingerprints and (call is not self._first_call or call.may_have_taken_effect):
            raise CredentialsChangedError(self)
        self._first, self._first_call = signer.credentials, call
        self.fingerprints = {signer.fingerprint}

    def set_account(self, account: Account, fingerprint: str) -> None:
        """Keep calls to an account that was read with these credentials."""
        self._account, self.fingerprints = account, {fingerprint}

    async def confirm(self, signer: Signer, call: Call[Any]) -> None:
        """Ask for the account of the credentials in use, once for all waiting calls.

        Raises:
            ClientStateError: They belong to another account, or their account is not known.
        """
        async with self._confirming:
            if signer.fingerprint in self.fingerprints:
                return
            left_s = call.deadline - asyncio.get_running_loop().time()
            try:
                await self._compare(max(0.001, left_s))
            except ClientStateError as error:
                call.annotate(error)
                raise

    async def _compare(self, deadline_s: float) -> None:
        options = msgspec.structs.replace(self._transport.options, deadline_s=deadline_s)
        asking = self._transport.with_options(options)
        try:
            now, fingerprint = await _ask(asking)
            if self._account is None:
                # The first credentials are often valid for some time after they were replaced.
                before = asking.with_credentials(cast("Credentials", self._first))
                try:
                    self._account, _ = await _ask(before)
                finally:
                    await before.close_turns()
        except HeymarketError as error:
            raise _changed(f"and their account cannot be read ({error})") from error
        if not now.matches(self._account.name, self._account.credentials):
            raise _changed(_difference(self._account, now))
        self.fingerprints.add(fingerprint)


def bound_to_account(transport: Transport) -> Transport:
    """Return a transport for several calls that must all go to the account of the first answer."""
    if transport.binding or not transport.credentials_can_change:
        return transport
    return _bound(transport, Binding(transport))


async def account_of(transport: Transport, *, stored: Account | None = None) -> Account:
    """Return the account of the credentials in use, and send to no other from now on.

    The server and the team identify it. Without the right to read the team, the credentials
    take its place.

    Credentials belong to one account for ever. So the server is not asked if the stored account was
    read with the same credentials. If it was stored without a team, the team may be readable now.

    Args:
        transport: Has the credentials.
        stored: The account that an earlier run has stored, or None.

    Raises:
        HeymarketError: The team cannot be read.

    https://developers.heymarket.com/api-reference/team
    """
    fingerprint = "" if stored is None else await transport.ask_fingerprint()
    if stored is None or not stored.is_of(_credentials(transport, fingerprint)):
        stored, fingerprint = await _ask(transport)
    transport.binding = transport.binding or Binding(transport)
    transport.binding.set_account(stored, fingerprint)
    return stored


async def hold(transport: Transport) -> Account | None:
    """Send to no other account from now on, even if the credentials change.

    Returns:
        The account; None if the credentials cannot change, because then it was not asked for.

    Raises:
        HeymarketError: The team cannot be read.
    """
    return await account_of(transport) if transport.credentials_can_change else None


async def _ask(transport: Transport) -> tuple[Account, str]:
    """Ask for the account; return it with the fingerprint of the credentials that were accepted."""
    accepted = Binding(transport)
    try:
        team = await _bound(transport, accepted).send(_GET_TEAM.request())
    except PermissionDeniedError:
        team = None
    (fingerprint,) = accepted.fingerprints
    credentials = _credentials(transport, fingerprint)
    name = credentials if team is None else f"{_TEAM}{team.id} of {transport.server}"
    return Account(name, credentials), fingerprint


def _credentials(transport: Transport, fingerprint: str) -> str:
    return f"credentials {fingerprint} of {transport.server}"


def _bound(transport: Transport, binding: Binding) -> Transport:
    bound = transport.with_options(transport.options)
    bound.binding = binding
    return bound


class _Team(msgspec.Struct):
    id: int | str


_GET_TEAM = Endpoint("GET", "/v1/team", _Team, Repeat.READ)


def _difference(then: Account, now: Account) -> str:
    names = f"({now.name} instead of {then.name})"
    if then.has_team and now.has_team:
        return f"and belong to another account {names}"
    return f"and the team cannot be read, so the account cannot be confirmed {names}"


def _changed(why: str) -> ClientStateError:
    return ClientStateError(
        f"the credentials changed, {why}, so it was not sent. Run it again with credentials of the"
        " account that it began with"
    )
