"""Finds the people who opted out, with one request for many phones where Heymarket takes it."""

from __future__ import annotations

from collections.abc import Sequence

from heymarket_async.bulk.importing.lookup import Existing, is_refusal, look_up
from heymarket_async.client import HeymarketClient
from heymarket_async.errors import DecodeError, StatusError

SAID_BY_INPUT = "the input says that this person opted out"
"""The reason of a row whose own input opts its person out."""

_OPTED_OUT = "this person opted out"


async def opted_out(client: HeymarketClient, phones: Sequence[str]) -> dict[str, str]:
    """Return the phones that must not be texted, and why.

    A phone that no contact has may be texted. If the contacts that have it do not say whether they
    opted out, the status of the phone is asked for. If that is not clear either, it counts as opted
    out.

    Raises:
        HeymarketError: Heymarket does not answer, which has nothing to do with one phone.
    """
    found = await look_up(client, phones)
    reasons: dict[str, str] = {}
    for phone in found:
        if reason := await _reason(client, phone, found[phone]):
            reasons[phone] = reason
    return reasons


async def _reason(
    client: HeymarketClient, phone: str, existing: Sequence[Existing] | str
) -> str | None:
    says = {contact.is_opted_out for contact in existing if isinstance(contact, Existing)}
    if True in says:
        return _OPTED_OUT
    if says == {False}:
        return None
    try:
        status = await client.contacts.status(phone=phone)
    except (StatusError, DecodeError) as error:
        if isinstance(error, StatusError) and not is_refusal(error):
            raise
        return f"it is not known whether this person opted out: {error}"
    if status.unsubscribed is False:
        return None
    return _OPTED_OUT if status.unsubscribed else "it is not known whether this person opted out"
