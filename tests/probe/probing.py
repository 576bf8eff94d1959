"""Probes a sandbox, and knows which answers are right for its readings."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from heymarket_async import ApiProfile, ApiSecret, HeymarketClient
from heymarket_async.probe import Findings, probe
from heymarket_async.sandbox import Readings, Sandbox

RATE_HEADERS = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
FORMS = ("status", "null", "{}", "contact", "error", "id", "empty")
DIGITS = {"seconds": 0, "milliseconds": 3, "microseconds": 6, "nanoseconds": 9}

CHOICES: dict[str, Sequence[Any]] = {
    "newest_first": (True, False),
    "honours_ascending": (True, False),
    "inclusive": (False, True),
    "default_limit": (30, 20),
    "max_limit": (100, 30, 37, 20, 1000),
    "over_limit": ("cut", "400", "413", "422", "default", "empty", "500"),
    "honours_limit": (True, False),
    "page_base": (1, 0, None),
    "v2_max_limit": (100, 50, 1000),
    "v2_over_limit": ("cut", "reject"),
    "empty_body": (True, False),
    "ties": ("stable", "shuffled"),
    "list_end": ("[]", "null", "{}", "empty", "204"),
    "precision": tuple(DIGITS),
    "trim_zeros": (False, True),
    "fractions": ("shown", "truncated", "rounded"),
    "zone": ("Z", "+00:00"),
    "missing": (404, 410, 400),
    "missing_find": FORMS,
    "missing_get": FORMS,
    "rev": ("rises", "null", "missing"),
    "count_date": ("after", "before", "ignored"),
    "count_includes_date": (False, True),
    "count_as_text": (False, True),
    "list_has_uuid": (False, True),
    "undocumented_keys": (False, True),
    "rate_headers": (False, True),
    "gzip": (False, True),
}
"""The readings that a probe can meet, and their values."""


def pairwise() -> Iterator[dict[str, Any]]:
    """Yield readings with as many new pairs of values as possible, until all pairs have come."""
    draw = random.Random(1)
    names = list(CHOICES)
    left = {
        (one, mine, other, theirs)
        for one, other in itertools.combinations(names, 2)
        for mine in CHOICES[one]
        for theirs in CHOICES[other]
        if not {mine, theirs} & {"truncated", "rounded"} or "seconds" not in {mine, theirs}
    }
    while left:
        best, most = {}, set()
        one, mine, other, theirs = min(left, key=str)
        for _ in range(30):
            tried = {name: draw.choice(values) for name, values in CHOICES.items()}
            tried |= {one: mine, other: theirs}
            if tried["precision"] == "seconds":
                if tried["fractions"] in {mine, theirs} - {"shown"}:
                    tried["precision"] = "milliseconds"
                else:
                    tried["fractions"] = "shown"
            pairs = itertools.combinations(names, 2)
            new = {(a, tried[a], b, tried[b]) for a, b in pairs} & left
            if len(new) > len(most):
                best, most = tried, new
        left -= most
        yield best


def right_answers(readings: Readings) -> dict[str, object]:
    """Return the value of each fact, as a server with these readings behaves."""
    largest, over = readings.max_limit, readings.over_limit
    if not readings.honours_limit:
        largest, over = None, "ignored"
    elif over == "default" and largest == readings.default_limit:
        over = "cut"  # the same for everybody who asks
    status = str(readings.missing)
    unknown = status if readings.missing_get == "status" else readings.missing_get
    return {
        "v1.order": "newest first" if readings.newest_first else "oldest first",
        "v1.date": "before" if readings.newest_first else "after",
        "v1.ascending": readings.honours_ascending,
        "v1.includes_date": readings.inclusive,
        "v1.default_limit": readings.default_limit,
        "v1.largest_limit": largest,
        "v1.over_limit": over,
        "v1.first_page": "ignored" if readings.page_base is None else readings.page_base,
        "v1.end": readings.list_end,
        "v2.order": "oldest first",
        "v2.date": "after",
        "v2.ascending": True,
        "v2.includes_date": readings.inclusive,
        "v2.default_limit": 30,
        "v2.largest_limit": readings.v2_max_limit,
        "v2.over_limit": {"cut": "cut", "reject": "400"}[readings.v2_over_limit],
        "v2.first_page": 0,
        "v2.end": readings.list_end,
        "stamp_digits": DIGITS[readings.precision] if readings.fractions == "shown" else 0,
        "stamp_zeros_cut": readings.trim_zeros,
        "stamp_zone": readings.zone,
        "stored_finer": readings.fractions != "shown",
        "count_date": readings.count_date,
        "count_includes_date": readings.count_includes_date,
        "count_is_whole": True,
        "count_as_text": readings.count_as_text,
        "unknown_id": unknown,
        "unknown_uuid": unknown,
        "unknown_find": status if readings.missing_find == "status" else readings.missing_find,
        "rate_headers": RATE_HEADERS if readings.rate_headers else (),
        "retry_after": None,
        "gzip": readings.gzip,
    }


def values_of(profile: ApiProfile) -> dict[str, object]:
    """Return the facts of a profile that are known, by their names."""
    found: dict[str, object] = {}
    for name in profile.__struct_fields__:
        value = getattr(profile, name)
        if name in {"v1", "v2"}:
            found |= {f"{name}.{field}": getattr(value, field) for field in value.__struct_fields__}
        elif name != "version":
            found[name] = value
    return {name: value for name, value in found.items() if value is not None}


def assert_right(findings: Findings, readings: Readings) -> None:
    """Check that each fact is told rightly, or left open with a reason."""
    right, known = right_answers(readings), values_of(findings.profile)
    for fact in findings.facts:
        assert bool(fact.seen) is (fact.name in known) is not bool(fact.reason), fact
        if fact.seen.endswith("or more"):
            assert known[fact.name] <= right[fact.name], fact
        elif fact.seen:
            assert known[fact.name] == right[fact.name], fact


def client_of(sandbox: Sandbox, **options: Any) -> HeymarketClient:
    return HeymarketClient(ApiSecret(*sandbox.credentials), base_url=sandbox.url, **options)


async def findings_of(sandbox: Sandbox, **options: Any) -> Findings:
    """Probe a sandbox, and check that the probe only reads, and not too often."""
    async with sandbox, client_of(sandbox) as client:
        findings = await probe(client, **options)
    assert findings.requests == len(sandbox.requests) <= options.get("max_requests", 40)
    sent = {f"{each.method} {each.path}" for each in sandbox.requests}
    assert {re.sub(r"(?<=contact/)[0-9a-f-]+$", "{id}", each) for each in sent} <= READS
    return findings


READS = {
    "POST /v1/contacts",
    "POST /v2/contacts/list",
    "POST /v1/contacts/count",
    "GET /v1/contact/{id}",
    "POST /v1/contact/get",
    "GET /v2/contact/{id}",
}


async def profile_of(sandbox: Sandbox) -> ApiProfile:
    return (await findings_of(sandbox)).profile


def sandbox_of(readings: Mapping[str, Any], contacts: int = 1300, **options: Any) -> Sandbox:
    return Sandbox(contacts, readings=Readings(**readings), **options)
