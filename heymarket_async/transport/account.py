"""Which account calls go to, and how a walk or a job is held to the one that it began with.

A callable may return credentials of another account at any time: between two calls, or between two
attempts of one. So the check stands where a request is signed.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import TypeVar

import msgspec

from heymarket_async.errors import ClientStateError, HeymarketError, PermissionDeniedError
from heymarket_async.request import Endpoint, Repeat
from heymarket_async.transport import Transport
from heymarket_async.transport.auth import Credentials, Signer
from heymarket_async.transport.call import Call
from heymarket_async.transport.pacing import AnyPacer

T = TypeVar("T")

_TEAM = "team "


class Account(msgspec.Struct, frozen=True):
    """Which account it is; holds nothing secret.

    Attributes:
        name: Its team and its server, such as "team 7001 of https://api.heymarket.com"; where the
            team cannot be read, the same as `credentials`.
        credentials: The fingerprint of the credentials, and the server.
    """

    name: str
    credentials: str

    @property
    def has_team(self) -> bool:
        """Whether its team could be read."""
        return self.name.startswith(_TEAM)

    def is_the_one(self, name: str, credentials: str | None) -> bool:
        """Whether it is the account that was stored.

        The credentials count only where one of the two has no team: they are rotated, and a file
        that follows an account for years must outlive them.

        Args:
            name: The stored `name`.
            credentials: The stored `credentials`; None if an older version has stored none.
        """
        if name == self.name:
            return True
        is_without_team = not (name.startswith(_TEAM) and self.has_team)
        return is_without_team and self.credentials in {name, credentials}

    def is_same_team(self, name: str) -> bool:
        """Whether the account that was stored has the same team, on this server or another one."""
        team = name.partition(" of ")[0]
        return team.startswith(_TEAM) and team == self.name.partition(" of ")[0]

    def better(self, name: str) -> str:
        """Return the name to store, of this account's and the one that was stored."""
        return self.name if self.has_team else name


class Bound(Transport):
    """Sends to one account only: the one that gave its first answer.

    Args:
        transport: With which everything is shared; if it is bound, its account too.
    """

    def __init__(self, transport: Transport) -> None:
        vars(self).update(vars(transport))
        self.binding: _Binding = transport.binding if isinstance(transport, Bound) else _Binding()

    async def account(self) -> Account:
        """Ask which account the credentials belong to, and send to no other from now on.

        Raises:
            HeymarketError: The team cannot be asked for.
        """
        asking = _Asking(self)
        account = await asking.account()
        self.binding.hold(account, asking.fingerprint_sent)
        return account

    async def hold(self) -> None:
        """Ask for the account if other credentials may be in use later.

        Raises:
            HeymarketError: The team cannot be asked for.
        """
        if self._signer.can_change:
            await self.account()

    async def _exchange(self, call: Call[T]) -> T:
        while True:
            try:
                return await super()._exchange(call)
            except _ChangedError:
                await self._confirm(call)

    async def _confirm(self, call: Call[T]) -> None:
        left_s = call.deadline - asyncio.get_running_loop().time()
        try:
            await self.binding.confirm(self._signer, functools.partial(_Asking, self, left_s))
        except ClientStateError as error:
            call.annotate(error)
            raise

    async def _send_once(self, call: Call[T], pacer: AnyPacer) -> T:
        # Nothing can happen between this and the token.
        if self._signer.fingerprint not in self.binding.fingerprints:
            self.binding.admit(self._signer, call)
        return await super()._send_once(call, pacer)


class _Binding:
    """The account that calls are held to, as far as it is known.

    Attributes:
        fingerprints: Of the credentials that are known to be of this account.
    """

    def __init__(self) -> None:
        self.fingerprints: set[str] = set()
        self._first: Credentials | None = None
        self._first_call: object = None
        self._account: Account | None = None
        self._confirming = asyncio.Lock()

    def admit(self, signer: Signer, call: object) -> None:
        """Let the first call be signed with any credentials, each time that it is sent.

        Raises:
            _ChangedError: It is another call, so it must be asked whose these are.
        """
        if self.fingerprints and call is not self._first_call:
            raise _ChangedError
        self._first, self._first_call = signer.credentials, call
        self.fingerprints = {signer.fingerprint}

    def hold(self, account: Account, fingerprint: str) -> None:
        """Hold calls to an account that was asked for with these credentials."""
        self._account, self.fingerprints = account, {fingerprint}

    async def confirm(self, signer: Signer, asking: Callable[..., _Asking]) -> None:
        """Ask whose the credentials in use are, once for all calls that wait.

        Raises:
            ClientStateError: They belong to another account, or nobody can tell.
        """
        async with self._confirming:
            if signer.fingerprint in self.fingerprints:
                return
            ask = asking()
            try:
                now = await ask.account()
                # Those of the beginning are often valid for some time yet.
                then = self._account = self._account or await asking(self._first).account()
            except HeymarketError as error:
                why = f"and it cannot be read which account they belong to ({error})"
                raise _changed(why) from error
            if not now.is_the_one(then.name, then.credentials):
                raise _changed(_difference(then, now))
            self.fingerprints.add(ask.fingerprint_sent)


class _Asking(Transport):
    """Asks for the account, and notes with which credentials it was answered.

    Args:
        transport: With which everything else is shared.
        deadline_s: For the call, if not as usual.
        whose: The credentials to ask with, if not those in use.
    """

    def __init__(
        self,
        transport: Transport,
        deadline_s: float | None = None,
        whose: Credentials | None = None,
    ) -> None:
        vars(self).update(vars(transport))
        self.fingerprint_sent = ""
        if deadline_s is not None:
            self.options = msgspec.structs.replace(self.options, deadline_s=max(0.001, deadline_s))
        self._own_pacers: dict[str, AnyPacer] = {}
        if whose is not None:
            self._signer = Signer(whose)
            self._pacers = self._own_pacers

    async def account(self) -> Account:
        try:
            team = await self.send(_GET_TEAM.request())
        except PermissionDeniedError:
            team = None
        finally:
            for pacer in self._own_pacers.values():
                await pacer.aclose()
        credentials = f"credentials {self.fingerprint_sent} of {self._base_url}"
        name = credentials if team is None else f"{_TEAM}{team.id} of {self._base_url}"
        return Account(name, credentials)

    async def _send_once(self, call: Call[T], pacer: AnyPacer) -> T:
        self.fingerprint_sent = self._signer.fingerprint
        return await super()._send_once(call, pacer)


class _Team(msgspec.Struct):
    id: int | str


_GET_TEAM = Endpoint("GET", "/v1/team", _Team, Repeat.READ)


class _ChangedError(HeymarketError):
    """Nothing was sent, since it is not known whose the credentials are; no caller sees this."""


def _difference(then: Account, now: Account) -> str:
    both = f"it began with {then.name}, and they belong to {now.name}"
    if then.has_team and now.has_team:
        return f"and belong to another account: {both}"
    return f"and it is not shown that the account is the same, as the team cannot be read: {both}"


def _changed(why: str) -> ClientStateError:
    return ClientStateError(
        f"was not sent: the credentials changed, {why}; run it again with credentials of the"
        " account that it began with"
    )
