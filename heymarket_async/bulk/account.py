"""Which account a job works on, so that its stored state is not taken to another one."""

from __future__ import annotations

from heymarket_async.client import HeymarketClient, bound
from heymarket_async.transport.account import Account


async def account_of(client: HeymarketClient) -> Account:
    """Return the account of a client; one that is bound is held to it from now on.

    Raises:
        HeymarketError: The team cannot be asked for.
    """
    return await bound(client)[1].account()


async def hold(client: HeymarketClient) -> None:
    """Hold a bound client to its account, if its credentials can change meanwhile.

    Raises:
        HeymarketError: The team cannot be asked for.
    """
    await bound(client)[1].hold()
