"""`probe`: asks everything in order, and returns the findings."""

from __future__ import annotations

import re
from uuid import UUID

import msgspec

from heymarket_async.api_profile import ApiProfile
from heymarket_async.checks import is_int, one_of
from heymarket_async.client import HeymarketClient
from heymarket_async.endpoints import contacts, contacts_v2
from heymarket_async.privacy import hides_locals
from heymarket_async.probe import stamps
from heymarket_async.probe.asker import Asker, CouldNotTellError, Reply
from heymarket_async.probe.facts import FACTS, seen
from heymarket_async.probe.found import Found
from heymarket_async.probe.limits import MOST
from heymarket_async.probe.lists import ListProbe

MOST_REQUESTS = 40
_UNKNOWN_ID = 2_147_483_647
_UNKNOWN_UUID = UUID("ffffffff-ffff-4fff-bfff-ffffffffffff")
_WORTH_COMPRESSING = 4096
_RATE_HEADER = re.compile(r"(x-)?rate-?limit.*")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One fact about the API.

    Attributes:
        name: Its field in `ApiProfile`, such as "v1.order".
        about: The part of the API that it is about, such as "POST /v1/contacts".
        question: The question about it.
        documented: The answer of Heymarket's documentation, or "".
        assumed: What this package does without knowing it.
        seen: The answer that was seen, or "" if it could not be told.
        reason: Why it could not be told, or "".
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
        facts: All facts, also those that could not be told.
        requests: How many requests were sent.
    """

    profile: ApiProfile
    facts: list[Finding]
    requests: int


@hides_locals
async def probe(client: HeymarketClient, *, max_requests: int = MOST_REQUESTS) -> Findings:
    """Find out how the API behaves where its documentation says nothing.

    It only reads. A fact that the account cannot show is left open, with the reason: for example
    if it has too few contacts, or if a contact changes meanwhile.

    Args:
        client: The client.
        max_requests: The most requests to send, those that are sent again included.

    Raises:
        HeymarketError: There is no connection, or the credentials are wrong.
        ValueError: An argument breaks its rule; the message names it.
    """
    one_of("client", client, HeymarketClient)
    if not is_int(max_requests) or max_requests < 1:
        raise ValueError("max_requests must be an integer of at least 1")
    asker, found = Asker(client, max_requests), Found()
    v1 = ListProbe(asker, found, "v1", contacts.PAGE, {})
    v2 = ListProbe(asker, found, "v2", contacts_v2.PAGE, {"ascending": True})
    lists = (v1, v2)
    for each in lists:
        await each.begin(MOST)
    begun = [each for each in lists if each.has_begun]
    for each in begun:
        await each.ask_for_order()
        await each.ask_from_times(stamps.digits_of(asker.times))
        await each.ask_for_pages()
    await _ask_for_count(asker, found, v1)
    await _ask_for_unknown(asker, found)
    for each in begun:
        await each.ask_for_end()
    for each in reversed(begun):  # v2 is likely to need fewer
        await each.ask_for_limits()
    stamps.find(asker.times, found)
    _read_heads(asker, found)
    return _findings(found, asker.sent)


async def _ask_for_count(asker: Asker, found: Found, v1: ListProbe) -> None:
    with found.telling("count_as_text", "count_is_whole", "count_date", "count_includes_date"):
        whole, as_text = _count_of(await asker.ask(contacts.COUNT, {}))
        found.values["count_as_text"] = as_text
        with found.telling("count_is_whole"):
            _compare_count(found, whole, v1)
        if not v1.subjects:
            raise CouldNotTellError("a page has fewer than three timestamps")
        subject = v1.subjects[-1]
        number, _ = _count_of(await asker.ask(contacts.COUNT, {"date": subject.time}))
        again, _ = _count_of(await asker.ask(contacts.COUNT, {}))
        if again != whole:
            raise CouldNotTellError("the account changed meanwhile")
        ahead, here = subject.place, len(subject.keys)
        order = found.values.get("v1.order")
        if order is None:
            raise CouldNotTellError(found.reasons["v1.order"])
        rest = whole - ahead - here
        after, before = (ahead, rest) if order == "newest first" else (rest, ahead)
        least = {"after": after, "before": before}
        sides = [side for side, low in least.items() if low <= number <= low + here]
        if number == whole and not sides:
            found.values["count_date"] = "ignored"
            raise CouldNotTellError("`date` has no effect on it")
        if len(sides) != 1:
            raise CouldNotTellError("its numbers fit no reading, or more than one")
        found.values["count_date"] = sides[0]
        if found.values.get("stored_finer") is not False:
            raise CouldNotTellError("it depends on fractions of a second that may be hidden")
        without = least[sides[0]]
        if number not in {without, without + here}:
            raise CouldNotTellError("it counts some of the contacts of one timestamp")
        found.values["count_includes_date"] = number > without


def _compare_count(found: Found, whole: int, v1: ListProbe) -> None:
    listed = len(set(v1.rows.ids))
    if v1.is_whole is None:
        raise CouldNotTellError("it is not known how many contacts there are")
    if not v1.is_whole:
        raise CouldNotTellError("the account has more contacts than come at once")
    found.values["count_is_whole"] = whole == listed


def _count_of(reply: Reply) -> tuple[int, bool]:
    """Return a count, and whether it came as text."""
    value = reply.value
    if isinstance(value, str) and value.isdecimal():
        return int(value), True
    if not is_int(value):
        raise CouldNotTellError(f"the server answered {reply.status}, and no number")
    return value, False


async def _ask_for_unknown(asker: Asker, found: Found) -> None:
    with found.telling("unknown_id"):
        _tell_unknown(found, "unknown_id", await asker.ask(contacts.GET, id=_UNKNOWN_ID))
    with found.telling("unknown_find"):
        wanted = {"id": str(_UNKNOWN_ID)}
        _tell_unknown(found, "unknown_find", await asker.ask(contacts.FIND, wanted))
    with found.telling("unknown_uuid"):
        reply = await asker.ask(contacts_v2.GET, contactID=_UNKNOWN_UUID)
        _tell_unknown(found, "unknown_uuid", reply)


def _tell_unknown(found: Found, name: str, reply: Reply) -> None:
    if reply.form is None or reply.status >= 500:
        raise CouldNotTellError(f"the server answered {reply.status}, and no usual answer")
    found.values[name] = reply.form


def _read_heads(asker: Asker, found: Found) -> None:
    """Find the facts that are in the headers of all answers."""
    heads = asker.heads
    names = {name.lower() for head in heads for name in head.headers}
    if heads:
        found.values["rate_headers"] = sorted(filter(_RATE_HEADER.fullmatch, names))
    found.reasons["rate_headers"] = "no answer came"
    encodings = {head.headers.get("Content-Encoding", "").strip().lower() for head in heads}
    if "gzip" in encodings:
        found.values["gzip"] = True
    elif any(head.size >= _WORTH_COMPRESSING for head in heads):
        found.values["gzip"] = False
    found.reasons["gzip"] = "no answer was large enough to be compressed"
    for head in heads:
        if head.status == 429:
            wait = head.headers.get("Retry-After")
            form = "none" if wait is None else "seconds" if wait.strip().isdecimal() else "date"
            found.values["retry_after"] = form
    found.reasons["retry_after"] = "no 429 came, and the probe does not provoke one"


def _findings(found: Found, requests: int) -> Findings:
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
    return Findings(profile=found.profile(), facts=facts, requests=requests)


def _seen(found: Found, name: str) -> str:
    if name not in found.values:
        return ""
    text = seen(found.values[name])
    group, _, field = name.rpartition(".")
    is_open = field == "largest_limit" and f"{group}.over_limit" not in found.values
    return f"{text} or more" if is_open else text
