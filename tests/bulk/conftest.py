"""Jobs over real sockets do not wait as long as walks do before a restless group is read again."""

from __future__ import annotations

import pytest

from heymarket_async import pagination


@pytest.fixture(autouse=True)
def short_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pagination, "_REST_S", 0.01)
