"""Creates a contact unless it exists, and never creates it twice. No HTTP.

https://developers.heymarket.com/api-reference/contacts/bulk
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from heymarket_async.batches import BatchItem, BatchResult
from heymarket_async.errors import HeymarketError
from heymarket_async.models.contact import Contact
from heymarket_async.models.new_contact import NewContact
from heymarket_async.transport import wire
from heymarket_async.transport.retry import RetryPolicy


class Ensured(msgspec.Struct, frozen=True, kw_only=True):
    """A contact that is in the account.

    Attributes:
        contact: As the account has it.
        was_created: It did not exist before.
    """

    contact: Contact
    was_created: bool


async def ensure(
    find: Callable[[], Awaitable[Contact | None]],
    send: Callable[[], Awaitable[BatchResult]],
    policy: RetryPolicy,
    call: str,
) -> Ensured:
    """Find a contact, or send it until it is in the account.

    It is sent as a batch of one, because a batch does not change a contact that already exists.
    So it may be sent again after a lost answer, and two calls for the same contact at the same time
    create one contact.

    Args:
        find: Returns the contact that has the phone.
        send: Sends the batch.
        policy: The number of attempts after lost answers, and the waits between them.
        call: The call that `send` makes, for errors.

    Raises:
        HeymarketError: With `may_have_taken_effect` if it is unknown whether the contact exists.
    """
    if (known := await find()) is not None:
        return Ensured(contact=known, was_created=False)
    result: BatchResult | None = None
    unknown, was_lost = _unseen(call), False
    for attempt in range(1, policy.attempts + 1):
        if result is None:
            try:
                result = await send()
                unknown = _unseen(call)
            except HeymarketError as error:
                is_lost = error.may_have_taken_effect
                error.may_have_taken_effect = is_lost or attempt > 1
                if not is_lost:
                    raise
                unknown, was_lost = error, True
        if result is None or attempt > 1:
            # How soon a write can be seen is not documented.
            await asyncio.sleep(policy.jitter_s(attempt))
        if (made := await _found(find, unknown)) is not None:
            return Ensured(contact=made, was_created=True)
        if result is not None and (reason := refusal(result.items[0])):
            # If the answer to a stored contact was lost, the next attempt may reject its phone as
            # known.
            unknown = HeymarketError(
                f"did not store the contact: {reason}", call=call, may_have_taken_effect=was_lost
            )
            if not was_lost:
                raise unknown
    raise unknown


def refusal(item: BatchItem) -> str | None:
    """Return the reason why a contact was not stored, if the answer lists it as failed.

    A failed contact is listed as it was sent. A stored one has an id, which is never sent. The
    server's explanation is masked, so that it holds no phone, e-mail or name.
    """
    if item.returned is None or item.returned.get("id"):
        return None
    details = {
        name: value
        for name, value in item.returned.items()
        if name not in NewContact.__struct_fields__
    }
    if not details:
        return "Heymarket lists it as failed, and gives no reason"
    return f"Heymarket lists it as failed: {wire.masked(details, item.contact)}"


async def _found(
    find: Callable[[], Awaitable[Contact | None]], unknown: HeymarketError
) -> Contact | None:
    try:
        return await find()
    except HeymarketError as error:
        # The failed look-up matters less than the lost answer.
        raise unknown from error


def _unseen(call: str) -> HeymarketError:
    return HeymarketError(
        "was answered, but the contact cannot be found", call=call, may_have_taken_effect=True
    )
