"""Which account calls go to, and how a call, a walk or a job is held to the one that it began with.

A callable may return credentials of another account at any time: between two calls, or between two
attempts of one. So the check stands where a request is signed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec

from heymarket_async.errors import ClientStateError, HeymarketError
from heymarket_async.transport.auth import Credentials, Signer

if TYPE_CHECKING:
    from heymarket_async.transport.call import Call

TEAM = "team "
"""The beginning of an account's name, if its team is known."""


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
        return self.name.startswith(TEAM)

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
        is_without_team = not (name.startswith(TEAM) and self.has_team)
        return is_without_team and self.credentials in {name, credentials}

    def is_same_team(self, name: str) -> bool:
        """Whether the account that was stored has the same team, on this server or another one."""
        team = name.partition(" of ")[0]
        return team.startswith(TEAM) and team == self.name.partition(" of ")[0]

    def better(self, name: str) -> str:
        """Return the name to store, of this account's and the one that was stored."""
        return self.name if self.has_team else name


class CredentialsChangedError(HeymarketError):
    """Nothing was sent, since it is not known whose the credentials are; no caller sees this."""


class Binding:
    """The account that calls are held to, as far as it is known.

    Args:
        ask: Asks within so many seconds whose some credentials are, or those in use if they are
            None, and returns the fingerprint of those that were answered too.

    Attributes:
        fingerprints: Of the credentials that are known to be of this account.
    """

    def __init__(
        self, ask: Callable[[float, Credentials | None], Awaitable[tuple[Account, str]]]
    ) -> None:
        self._ask = ask
        self.fingerprints: set[str] = set()
        self._first: Credentials | None = None
        self._first_call: Call[Any] | None = None
        self._account: Account | None = None
        self._confirming = asyncio.Lock()

    def check(self, signer: Signer, call: Call[Any]) -> None:
        """Check credentials before a call is signed with them.

        The first call may have any, each time that it is sent, until it may have taken effect.

        Raises:
            CredentialsChangedError: It must be asked whose these are: it is another call, or the
                first may have taken effect.
        """
        if signer.fingerprint in self.fingerprints:
            return
        if self.fingerprints and (call is not self._first_call or call.may_have_taken_effect):
            raise CredentialsChangedError
        self._first, self._first_call = signer.credentials, call
        self.fingerprints = {signer.fingerprint}

    def hold(self, account: Account, fingerprint: str) -> None:
        """Hold calls to an account that was asked for with these credentials."""
        self._account, self.fingerprints = account, {fingerprint}

    async def confirm(self, signer: Signer, call: Call[Any]) -> None:
        """Ask whose the credentials in use are, once for all calls that wait.

        Raises:
            ClientStateError: They belong to another account, or nobody can tell.
        """
        async with self._confirming:
            if signer.fingerprint in self.fingerprints:
                return
            left_s = call.deadline - asyncio.get_running_loop().time()
            try:
                await self._compare(left_s)
            except ClientStateError as error:
                call.annotate(error)
                raise

    async def _compare(self, left_s: float) -> None:
        try:
            now, fingerprint = await self._ask(left_s, None)
            if self._account is None:
                # Those of the beginning are often valid for some time yet.
                self._account, _ = await self._ask(left_s, self._first)
        except HeymarketError as error:
            why = f"and it cannot be read which account they belong to ({error})"
            raise _changed(why) from error
        if not now.is_the_one(self._account.name, self._account.credentials):
            raise _changed(_difference(self._account, now))
        self.fingerprints.add(fingerprint)


def _difference(then: Account, now: Account) -> str:
    both = f"it began with {then.name}, and they belong to {now.name}"
    if then.has_team and now.has_team:
        return f"and belong to another account: {both}"
    return f"and the team cannot be read, so the account cannot be confirmed: {both}"


def _changed(why: str) -> ClientStateError:
    return ClientStateError(
        f"was not sent: the credentials changed, {why}; run it again with credentials of the"
        " account that it began with"
    )
