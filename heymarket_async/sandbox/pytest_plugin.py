"""The pytest plugin: a fixture `heymarket_sandbox`, and a marker of that name for its options.

The sandbox's server is imported when a test asks for it, not with the plugin.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from heymarket_async.sandbox import Sandbox


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, so that `--strict-markers` accepts it."""
    config.addinivalue_line(
        "markers",
        "heymarket_sandbox(contacts=100, **options): how the heymarket_sandbox fixture is made; "
        "the options are those of heymarket_async.sandbox.Sandbox",
    )


@pytest.fixture
def heymarket_sandbox(request: pytest.FixtureRequest) -> Generator[Sandbox, None, None]:
    """A running local Heymarket with 100 contacts.

    It runs in a thread, so it serves synchronous tests, any async plugin, and subprocesses.
    """
    from heymarket_async.sandbox import Sandbox  # noqa: PLC0415 - see the module's docstring

    options: dict[str, Any] = {"contacts": 100, "seed": 7}
    for marker in reversed(list(request.node.iter_markers("heymarket_sandbox"))):
        if marker.args:
            pytest.fail("the marker heymarket_sandbox takes options by name, such as contacts=5")
        options.update(marker.kwargs)
    with ExitStack() as running:
        try:
            sandbox = running.enter_context(Sandbox(**options))
        except (TypeError, ValueError, OSError) as error:  # OSError: of a host or a port
            pytest.fail(f"the marker heymarket_sandbox has a wrong option: {error}", pytrace=False)
        yield sandbox
