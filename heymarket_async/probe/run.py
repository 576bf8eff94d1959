"""`probe`: asks everything in order, and returns the findings."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from heymarket_async.api_profile import ApiProfile
from heymarket_async.checks import is_int, one_of
from heymarket_async.client import HeymarketClient
from heymarket_async.endpoints import contacts, contacts_v2
from heymarket_async.privacy import hides_locals
from heymarket_async.probe import heads, stamps
from heymarket_async.probe.asker import Asker
from heymarket_async.probe.count import ask_for_count
from heymarket_async.probe.facts import FACTS, seen
from heymarket_async.probe.found import Found
from heymarket_async.probe.limits import MOST, ask_for_limits
from heymarket_async.probe.lists import ProbedList
from heymarket_async.probe.order import ask_for_order, ask_from_times
from heymarket_async.probe.pages import ask_for_end, ask_for_pages
from heymarket_async.probe.unknown import ask_for_unknown
from heymarket_async.transport.call import check_hook

MOST_REQUESTS = 40


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One fact about the API.

    Attributes:
        name: Its field in `ApiProfile`, such as "v1.order".
        about: The part of the API that it is about, such as "POST /v1/contacts".
        question: The question about it.
        documented: The answer of Heymarket's documentation, or "".
        assumed: The answer that this package relies on without a profile.
        seen: The answer that was seen, or "" if it stays open.
        reason: Why it stays open, or "".
    """

    name: str
    about: str
    question: str
    documented: str
    assumed: str
    seen: str
    reason: str


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a probe.

    Attributes:
        profile: The facts that were seen, for `HeymarketClient` and the sandbox.
        facts: All facts, also those that stay open.
        requests: How many requests were sent.
    """

    profile: ApiProfile
    facts: list[Finding]
    requests: int


@hides_locals
async def probe(
    client: HeymarketClient,
    *,
    max_requests: int = MOST_REQUESTS,
    on_request: Callable[[int], object] | None = None,
) -> Findings:
    """Find out how the API behaves where its documentation says nothing.

    It only reads. A fact that the account cannot show is left open, with the reason: for example
    if it has too few contacts, or if a contact changes meanwhile.

    Args:
        client: The client.
        max_requests: The most requests to send, those that are sent again included.
        on_request: Called before each request with its number, from 1.

    Raises:
        HeymarketError: There is no connection, or the credentials are wrong.
        ValueError: An argument breaks its rule; the message names it.
    """
    one_of("client", client, HeymarketClient)
    if not is_int(max_requests) or max_requests < 1:
        raise ValueError("max_requests must be an integer of at least 1")
    check_hook("on_request", on_request)
    asker, found = Asker(client, max_requests, on_request), Found()
    v1 = ProbedList(asker, found, "v1", contacts.PAGE, {})
    v2 = ProbedList(asker, found, "v2", contacts_v2.PAGE, {"ascending": True})
    lists = (v1, v2)
    for each in lists:
        await each.begin(MOST)
    begun = [each for each in lists if each.has_begun]
    for each in begun:
        await ask_for_order(each)
        await ask_from_times(each, found, stamps.digits_of(asker.times))
        await ask_for_pages(each)
        if each is v1:
            await ask_for_count(asker, found, v1)
        await each.check_unchanged()
    if not v1.has_begun:
        await ask_for_count(asker, found, v1)
    known = next((each.rows.ids[0] for each in begun if each.rows.ids), None)
    await ask_for_unknown(asker, found, known)
    for each in begun:
        await ask_for_end(each)
    for each in reversed(begun):  # v2 is likely to need fewer
        await ask_for_limits(each)
    stamps.find(asker.times, found)
    heads.find(asker.heads, found)
    return _findings(found, asker.sent)


def _findings(found: Found, requests: int) -> Findings:
    profile = found.profile()  # comes first: it withdraws what it cannot hold
    facts = [
        Finding(
            name=fact.name,
            about=fact.about,
            question=fact.question,
            documented=fact.documented,
            assumed=fact.assumed,
            seen=_seen(found, fact.name),
            reason="" if fact.name in found.values else found.reasons.get(fact.name, ""),
        )
        for fact in FACTS
    ]
    return Findings(profile=profile, facts=facts, requests=requests)


def _seen(found: Found, name: str) -> str:
    if name not in found.values:
        return ""
    text = seen(found.values[name])
    group, _, field = name.rpartition(".")
    is_open = field == "largest_limit" and f"{group}.over_limit" not in found.values
    return f"{text} or more" if is_open else text
