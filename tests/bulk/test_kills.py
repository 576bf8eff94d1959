"""Exports and syncs that are killed at any moment, under faults, and begun again until they end.

`python -m endurance` does the same a thousand times for each kind.
"""

from __future__ import annotations

import pytest

from tests.bulk import contact_kills

pytestmark = pytest.mark.unmeasured

KILLS = 5


@pytest.mark.parametrize("kind", contact_kills.KINDS)
def test_what_was_killed_ends_whole_when_it_is_begun_again(kind, tmp_path):
    killer = contact_kills.kill(kind, tmp_path, seed=KILLS, times=KILLS)

    assert killer.kills >= KILLS // 2
