"""Transports that send to one account only, and asking which one it is."""

from __future__ import annotations

import copy

import msgspec

from heymarket_async.errors import PermissionDeniedError
from heymarket_async.request import Endpoint, Repeat
from heymarket_async.transport.account import TEAM, Account, Binding
from heymarket_async.transport.auth import Credentials, Signer
from heymarket_async.transport.send import Transport


def binding_of(transport: Transport) -> Binding:
    """Return what holds calls to one account: the transport's own, or that of the first answer."""
    return transport.binding or _new(transport)


def held_to_one(transport: Transport) -> Transport:
    """Return a transport for several calls that must all go to the account of the first answer."""
    if not transport.can_change:
        return transport
    held = copy.copy(transport)
    held.binding = binding_of(transport)
    return held


async def account_of(transport: Transport) -> Account:
    """Return the account of the credentials in use, and send to no other from now on.

    The server and the team identify it. If there is no right to read the team, the credentials
    take its place.

    Raises:
        HeymarketError: The team cannot be asked for.

    https://developers.heymarket.com/api-reference/team
    """
    account, fingerprint = await _Asking(transport).account()
    transport.binding = binding_of(transport)
    transport.binding.hold(account, fingerprint)
    return account


async def hold(transport: Transport) -> None:
    """Send to no other account from now on, even if the credentials can change meanwhile.

    Raises:
        HeymarketError: The team cannot be asked for.
    """
    if transport.can_change:
        await account_of(transport)


def _new(transport: Transport) -> Binding:
    return Binding(lambda left_s, whose: _Asking(transport, left_s, whose).account())


class _Asking(Transport):
    """Asks for the account, and knows with which credentials it was answered.

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
        self.binding = self._asked = _new(transport)
        if deadline_s is not None:
            self.options = msgspec.structs.replace(self.options, deadline_s=max(0.001, deadline_s))
        self._shared_turns = self._turns
        if whose is not None:
            self._signer = Signer(whose)
            self._turns = self._turns.for_other_credentials()

    async def account(self) -> tuple[Account, str]:
        try:
            team = await self.send(_GET_TEAM.request())
        except PermissionDeniedError:
            team = None
        finally:
            if self._turns is not self._shared_turns:
                await self._turns.aclose()
        (fingerprint,) = self._asked.fingerprints
        credentials = f"credentials {fingerprint} of {self._base_url}"
        name = credentials if team is None else f"{TEAM}{team.id} of {self._base_url}"
        return Account(name, credentials), fingerprint


class _Team(msgspec.Struct):
    id: int | str


_GET_TEAM = Endpoint("GET", "/v1/team", _Team, Repeat.READ)
