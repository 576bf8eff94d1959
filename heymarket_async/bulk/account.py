"""Which account a job works on, so that its stored state is not taken to another one."""

from __future__ import annotations

from heymarket_async.client import HeymarketClient, transport_of
from heymarket_async.transport import bound
from heymarket_async.transport.account import Account


async def account_of(client: HeymarketClient) -> Account:
    """Return the account of a job's own client, which sends to no other from now on.

    Raises:
        HeymarketError: The team cannot be asked for.
    """
    return await bound.account_of(transport_of(client))


async def hold(client: HeymarketClient) -> None:
    """Let a job's own client send to no other account, should its credentials change.

    Raises:
        HeymarketError: The team cannot be asked for.
    """
    await bound.hold(transport_of(client))
