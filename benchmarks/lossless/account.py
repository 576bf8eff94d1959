"""A sandbox in a process of its own, in which people edit contacts while these are read."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Generator
from contextlib import contextmanager

from benchmarks.bulk import account as bulk
from benchmarks.lossless.scenarios import Scenario

_SEED = 1
_LIST = "POST /v1/contacts"
_EDITS_AT_A_TIME = 3


class Account(bulk.Account):
    """A sandbox that runs elsewhere, and counts the requests from its beginning."""

    def revisions(self) -> dict[int, int]:
        """Return the `rev` of every contact, as it is now."""
        return dict(self._ask("revisions"))

    def edited(self) -> int:
        """Return the number of contacts that were edited."""
        return int(self._ask("edited"))


@contextmanager
def account(scenario: Scenario) -> Generator[Account, None, None]:
    """Run a sandbox with the account of a scenario, without a rate limit."""
    with bulk.running(Account, __name__, scenario._asdict()) as at:
        yield at


def edit_after_each_page(ids: list[int]) -> set[int]:
    """Let the sandbox edit some contacts after each page, and return the set that notes them."""
    from heymarket_async.sandbox import writes  # noqa: PLC0415 - only the process that serves
    from heymarket_async.sandbox.records import ContactIn  # noqa: PLC0415
    from heymarket_async.sandbox.routes import ROUTES, Call  # noqa: PLC0415

    list_page, left, edited = ROUTES[_LIST], iter(ids), set[int]()

    def list_and_edit(call: Call) -> object:
        answer = list_page(call)
        for _, contact_id in zip(range(_EDITS_AT_A_TIME), left, strict=False):
            contact = call.contacts.by_id(contact_id)
            assert contact is not None
            writes.update(call, contact, ContactIn(last="Edited"), overwrite=False)
            edited.add(contact_id)
        return answer

    ROUTES[_LIST] = list_and_edit
    return edited


def main(scenario: Scenario) -> None:
    from heymarket_async.sandbox import Readings, Sandbox  # noqa: PLC0415 - as above

    readings = Readings(inclusive=scenario.inclusive)
    sandbox = Sandbox(
        scenario.contacts, seed=_SEED, ties=scenario.ties, readings=readings, limit=None
    )
    ids = [int(str(contact["id"])) for contact in sandbox.store.contacts]
    edited = edit_after_each_page(random.Random(_SEED).sample(ids, scenario.edits))
    answers = {
        "requests": lambda: len(sandbox.requests),
        "revisions": lambda: [[row["id"], row["rev"]] for row in sandbox.store.contacts],
        "edited": lambda: len(edited),
    }
    with sandbox:
        print(json.dumps([sandbox.url, sandbox.api_key]), flush=True)
        for line in sys.stdin:
            print(json.dumps(answers[line.strip()]()), flush=True)


if __name__ == "__main__":
    main(Scenario(**json.loads(sys.argv[1])))
