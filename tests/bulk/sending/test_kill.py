"""Texts whose sending is killed at any moment, under faults, and resumed: nobody gets two.

`python -m endurance` does the same a thousand times.
"""

from __future__ import annotations

import pytest

from tests.bulk.sending import send_kills

pytestmark = pytest.mark.unmeasured

KILLS = 3
"""In each of the two tests."""


@pytest.mark.parametrize("dedupes", ["none", "all"])
def test_a_killed_job_leaves_one_text_for_each_row_when_it_is_resumed(dedupes, tmp_path):
    killer = send_kills.kill(tmp_path, dedupes=dedupes, seed=KILLS, times=KILLS)

    assert killer.kills > KILLS * 0.9
    assert killer.open_rows > killer.kills, "kills struck while rows were being sent"
