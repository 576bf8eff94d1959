"""No test of the probe waits: neither before a request is sent again, nor in a walk."""

from __future__ import annotations

import pytest

from heymarket_async.probe import asker
from heymarket_async.walk import walk


@pytest.fixture(autouse=True)
def no_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (asker, walk):
        monkeypatch.setattr(module, "_REST_S", 0)
