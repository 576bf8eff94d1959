"""An export of messages that is killed at each page, and begun again, is whole."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from heymarket_async.sandbox import Sandbox
from tests.bulk.accounts import lines_of
from tests.bulk.archives import a_phone, first_sent, messages_of, stored
from tests.bulk.test_kills import FAULTS, start

pytestmark = pytest.mark.unmeasured

PAGES = 5


def is_killed_after(pages: int, box: Sandbox, kind: str, path: Path) -> bool:
    """Start the export, kill it after some pages, and return whether it was still running."""
    asked = len(box.requests) + pages
    process = start(box, kind, path, kill_at=0, concurrency=1)
    while process.poll() is None and len(box.requests) < asked:
        time.sleep(0.0005)
    process.kill()
    return process.wait() < 0


@pytest.mark.parametrize("kind", ["jsonl", "db"])
def test_an_export_that_is_killed_at_each_page_equals_the_account(kind, tmp_path):
    path = tmp_path / f"m.{kind}"
    with Sandbox(contacts=20, messages=30 * PAGES, message_ties=35, limit=None) as box:
        box.faults.random(0.1, kinds=FAULTS, seed=5)
        killed = 0
        for pages in range(1, PAGES + 1):
            killed += is_killed_after(pages, box, f"messages.{kind}", path)
            box.customer.text(a_phone(box), f"{pages}")
            if pages < PAGES // 2:  # the walk cannot have come to it
                box.carrier.deliver(first_sent(box))
        box.faults.clear()

        assert start(box, f"messages.{kind}", path, kill_at=0, concurrency=1).wait() == 0

        wanted = messages_of(box)
    assert (stored(path) if kind == "db" else lines_of(path)) == wanted
    assert killed >= PAGES - 2
    assert list(tmp_path.iterdir()) == [path], "nothing else is left"
