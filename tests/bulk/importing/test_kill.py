"""An import that is killed at any moment, under faults, and resumed: no loss, nothing twice.

`python -m endurance` does the same a thousand times.
"""

from __future__ import annotations

import pytest

from tests.bulk.importing import import_kills

pytestmark = pytest.mark.unmeasured

KILLS = 4
"""In each of the two tests."""


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_killed_import_ends_true_when_it_is_resumed(overwrite, tmp_path):
    killer = import_kills.kill(tmp_path, overwrite=overwrite, seed=KILLS, times=KILLS)

    assert killer.kills == KILLS
    assert killer.open_rows >= KILLS // 4, "kills struck in the middle of batches"
