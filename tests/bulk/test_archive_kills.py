"""An export of messages that is killed at each page, and begun again, is whole.

`python -m endurance` kills it a thousand times, at any moment.
"""

from __future__ import annotations

import pytest

from heymarket_async.sandbox import Sandbox
from tests.bulk import killed_jobs
from tests.bulk.archives import a_phone, first_sent
from tests.bulk.killing import BUSY_S, FAULTS, Killer
from tests.bulk.message_kills import KINDS, ends_whole

pytestmark = pytest.mark.unmeasured

PAGES = 5


@pytest.mark.parametrize("kind", KINDS)
def test_an_export_that_is_killed_at_each_page_equals_the_account(kind, tmp_path):
    path = tmp_path / f"m.{kind}"
    with Sandbox(contacts=20, messages=30 * PAGES, message_ties=35, limit=None) as box:
        box.faults.random(0.1, kinds=FAULTS, seed=5, retry_after=BUSY_S)
        killer = Killer(killed_jobs.messages, box, tmp_path)
        for pages in range(1, PAGES + 1):
            killer.after_requests(pages, 0, path, 1)
            box.customer.text(a_phone(box), f"{pages}")
            if pages < PAGES // 2:  # the walk cannot have come to it
                box.carrier.deliver(first_sent(box))
        box.faults.clear()

        ends_whole(killer, path, box, 1)
    assert killer.kills >= PAGES - 2
